// Writes topics/: for each topic its declaration, the JSON Schema of its value and, once per version, a golden sample, and
// asyncapi.json, all of it in one; schemas/: the JSON Schemas of the documents that commands print and of those that people
// write; the table of all settings in docs/configuration.md, and those of all events in docs/status-events.md.
// A golden sample that exists is never written again: every later reader must still read it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { z } from 'zod'
import { PlanReport } from '../src/contract/plan-report.ts'
import { DefinitionFile } from '../src/define/definition-file.ts'
import { jsonSchemaOf } from '../src/kafka/codec.ts'
import { type TopicDeclaration, topicCatalog } from '../src/kafka/topic-catalog.ts'
import { ConfigFile, settingsTable } from '../src/process/settings.ts'
import { asyncApi } from './asyncapi.ts'
import { statusTables } from './status-page.ts'
import { topicSamples } from './topic-samples.ts'

const folder = new URL('../topics/', import.meta.url)

/** What commands print with --json, and files that people write, by the name of the schema's file. */
const documents: Readonly<Record<string, z.ZodType>> = {
  'plan-report.v1.schema.json': PlanReport,
  // Read, not printed: for editors.
  'definition.v1.schema.json': DefinitionFile,
  'config.v1.schema.json': ConfigFile,
}

const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** The generated files of a topic by name; golden samples are not among them. */
export function topicFiles(topic: TopicDeclaration): ReadonlyMap<string, string> {
  const { name, topicPartitions, key, config, writers, readers, value } = topic
  return new Map([
    ['topic.json', text({ name, topicPartitions, key, config, writers, readers })],
    ['v1.schema.json', text(jsonSchemaOf(value))],
  ])
}

const pages = new URL('../docs/', import.meta.url)

/** The generated part of each page that has one, by what its markers call it. */
export const pageParts = [
  { page: 'configuration.md', part: 'settings', content: settingsTable },
  { page: 'status-events.md', part: 'events', content: statusTables },
] as const

/** A page with its generated part as it should be. */
export function withPart(text: string, { page, part, content }: (typeof pageParts)[number]): string {
  const [from, to] = [`<!-- ${part}: written by npm run schemas:generate -->`, `<!-- end of ${part} -->`]
  const [start, end] = [text.indexOf(from), text.indexOf(to)]
  if (start < 0 || end < start) throw new Error(`docs/${page} has no place for the ${part}: ${from} … ${to}`)
  return `${text.slice(0, start + from.length)}\n\n${content()}\n\n${text.slice(end)}`
}

/** The schemas of printed documents by file name. */
export const documentSchemas = (): ReadonlyMap<string, string> =>
  new Map(Object.entries(documents).map(([name, schema]) => [name, text(jsonSchemaOf(schema))]))

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const schemas = new URL('../schemas/', import.meta.url)
  mkdirSync(schemas, { recursive: true })
  for (const [name, content] of documentSchemas()) writeFileSync(new URL(name, schemas), content)
  for (const part of pageParts) {
    const page = new URL(part.page, pages)
    writeFileSync(page, withPart(readFileSync(page, 'utf8'), part))
  }
  writeFileSync(new URL('asyncapi.json', folder), await asyncApi())
  for (const topic of topicCatalog) {
    const of = new URL(`${topic.name}/`, folder)
    mkdirSync(of, { recursive: true })
    for (const [name, content] of topicFiles(topic)) writeFileSync(new URL(name, of), content)
    const golden = new URL('v1.golden.json', of)
    if (!existsSync(golden)) writeFileSync(golden, text(topicSamples[topic.name]))
  }
}
