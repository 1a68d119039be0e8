import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { topicCatalog } from '../../src/kafka/topic-catalog.ts'
import { documentSchemas, pageParts, topicFiles, withPart } from '../../tools/generate-schemas.ts'
import { topicSamples } from '../../tools/topic-samples.ts'

const folder = new URL('../../topics/', import.meta.url)
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')

describe.each(topicCatalog)('topic $name', (topic) => {
  test('the files under topics/ are what the schemas say (npm run schemas:generate)', () => {
    for (const [name, content] of topicFiles(topic)) expect(read(`${topic.name}/${name}`), name).toBe(content)
  })

  test('every golden sample of every version still parses, without loss', () => {
    const goldens = readdirSync(new URL(`${topic.name}/`, folder)).filter((name) => name.endsWith('.golden.json'))
    expect(goldens).not.toHaveLength(0)
    for (const name of goldens)
      for (const sample of JSON.parse(read(`${topic.name}/${name}`)) as unknown[])
        expect(topic.value.parse(sample)).toEqual(sample)
  })

  test('a field this version does not know is dropped, or refused in a request', () => {
    for (const sample of topicSamples[topic.name]) {
      const parsed = topic.value.safeParse({ ...sample, fieldOfTomorrow: 1 })
      if (topic.name === 'requests') expect(parsed.success).toBe(false)
      else expect(parsed.data).toEqual(sample)
    }
  })
})

test('the files under schemas/ are what the schemas say (npm run schemas:generate)', () => {
  for (const [name, content] of documentSchemas())
    expect(readFileSync(new URL(`../../schemas/${name}`, import.meta.url), 'utf8'), name).toBe(content)
})

test.each(pageParts)('the $part of docs/$page are as they are (npm run schemas:generate)', (part) => {
  const page = readFileSync(new URL(`../../docs/${part.page}`, import.meta.url), 'utf8')
  expect(withPart(page, part)).toBe(page)
})
