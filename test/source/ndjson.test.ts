import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { files } from '../../src/define/files.ts'
import type { AnyRow, RowSchema } from '../../src/define/row-schema.ts'
import { parseJson } from '../../src/source/json-value.ts'
import { openNdjsonSource } from '../../src/source/ndjson.ts'
import { type ReadRow, readPartitions } from '../support/read-partitions.ts'
import { type TextFolder, textFolder } from '../support/text-folder.ts'

let folder: TextFolder
beforeEach(async () => {
  folder = await textFolder()
  onTestFinished(() => folder.remove())
})

async function read(content: string | Uint8Array, schema: RowSchema<AnyRow>, position?: string): Promise<ReadRow[]> {
  await folder.write('a.ndjson', content)
  const definition = files.ndjson<AnyRow, string>('a.ndjson', {
    schema,
    ...(position === undefined ? {} : { position }),
  })
  const source = openNdjsonSource(definition, { folder: folder.path })
  return readPartitions(source, { bytes: 20, chunkRows: 3, resumes: false })
}

const bad = (byte: number, why: string): string =>
  `${join(folder.path, 'a.ndjson')}, byte ${byte}: ${why}; correct the file or the schema`

describe('what values become', () => {
  const Row = z.object({
    big: z.bigint(),
    int: z.int().nullable(),
    number: z.number().optional(),
    text: z.string().nullable(),
    yes: z.boolean().nullable(),
    at: z.date().nullable(),
    any: z.unknown(),
  })

  it('is what the schema says; a field that is missing is as one that is null', async () => {
    const first = { big: 7, int: -7, number: 1.5, text: '€', yes: true, at: '2024-02-29T12:00:00Z', any: { a: [1] } }
    const lines = [JSON.stringify(first), '{"big":"-12345678901234567890"}', '', '{"big":9007199254740993,"text":null}']
    const nothing = { int: null, number: undefined, text: null, yes: null, at: null, any: null }
    expect(await read(lines.join('\r\n'), Row)).toEqual([
      { ...first, big: 7n, at: new Date('2024-02-29T12:00:00Z') },
      { ...nothing, big: -12345678901234567890n },
      { ...nothing, big: 9007199254740993n },
    ])
  })

  it.each([
    ['{}', 'column "big" is missing'],
    ['{"big":null}', 'column "big" is null'],
    ['{"big":1.5}', 'column "big" is 1.5, which is no whole number in digits'],
    ['{"big":1e30}', 'column "big" is 1e+30, which is no whole number in digits'],
    [
      '{"big":1,"int":9007199254740993}',
      'column "int" is 9007199254740993, which is no whole number that a number holds exactly: use z.bigint() or z.number()',
    ],
    [
      '{"big":1,"number":9007199254740993}',
      'column "number" is 9007199254740993, which is no number that is held exactly: use z.bigint()',
    ],
    ['{"big":1,"number":1e999}', 'column "number" is Infinity, which is no number'],
    ['{"big":1,"number":"1"}', 'column "number" is "1", which is no number'],
    ['{"big":1,"text":{"a":1}}', 'column "text" is an object, which is no text'],
    ['{"big":1,"yes":1}', 'column "yes" is 1, which is no boolean'],
    ['{"big":1,"at":1706745600000}', 'column "at" is 1706745600000, which is no date such as "2026-01-31T00:00:00Z"'],
    ['{"big":1', 'the line is no JSON from its character 9 on'],
    ['[1]', 'the line is no JSON object'],
    ['null', 'the line is no JSON object'],
  ])('%s makes a bad row, and the others are read', async (line, why) => {
    expect(await read(`{"big":1}\n${line}\n{"big":2}`, Row)).toEqual([
      expect.objectContaining({ big: 1n }),
      bad(10, why),
      expect.objectContaining({ big: 2n }),
    ])
  })

  it('a line that is not UTF-8 makes a bad row', async () => {
    const line = Buffer.from('{"text":"\xe9"}\n{"text":"é"}', 'latin1')
    const rows = await read(Buffer.concat([line, Buffer.from('\n{"text":"é"}')]), z.object({ text: z.string() }))
    expect(rows).toEqual([bad(0, 'the line is not valid UTF-8'), bad(13, 'the line is not valid UTF-8'), { text: 'é' }])
  })

  it('what an object inherits is no field of it', async () => {
    const schema = z.object({ toString: z.unknown(), a: z.unknown() })
    expect(await read('{"__proto__":{"a":1}}', schema)).toEqual([{ toString: null, a: null }])
  })

  it('the schema may see rows as a whole, or without naming fields', async () => {
    const whole = z.object({ a: z.int(), b: z.int() }).refine(({ a, b }) => a < b, 'a is not before b')
    expect(await read('{"a":1,"b":2}\n{"a":2,"b":2}', whole, 'place')).toEqual([
      { a: 1, b: 2, place: 0 },
      bad(14, 'the row is refused by the schema: a is not before b'),
    ])
    const anything: RowSchema<AnyRow> = {
      '~standard': { version: 1, vendor: 'none', validate: (value) => ({ value: value as AnyRow }) },
    }
    expect(await read('{"a":{"b":null}}', anything)).toEqual([{ a: { b: null } }])
  })
})

it('whole numbers keep their digits wherever in a line they stand, and other numbers are numbers', () => {
  const text =
    '{"a":[-9007199254740993,9007199254740991],"b":{"c":123456789012345678901234567890},"d":0.1234567890123456789,"e":"9007199254740993"}'
  expect(parseJson(text)).toEqual({
    a: [-9007199254740993n, 9007199254740991],
    b: { c: 123456789012345678901234567890n },
    ...{ d: 0.12345678901234568, e: '9007199254740993' },
  })
})
