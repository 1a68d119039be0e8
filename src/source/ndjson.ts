import type { AnyRow } from '../define/row-schema.ts'
import type { NdjsonSource } from '../define/source-definition.ts'
import type { RecordSpan, Records } from '../files/record-reader.ts'
import { ValueError } from '../files/value-error.ts'
import { fromJson, parseJson } from './json-value.ts'
import { RecordError, RecordRows } from './record-rows.ts'
import { type RowReading, readingOf } from './row-field.ts'
import type { Source } from './source.ts'
import { validText } from './text-encoding.ts'
import { TextFiles } from './text-files.ts'
import type { TextFormat } from './text-format.ts'

/** The rows of files with a JSON object a line; see `files.ndjson`. Paths are relative to `folder`. */
export function openNdjsonSource(definition: NdjsonSource<AnyRow>, { folder }: { folder: string }): Source {
  const { paths, schema, position, maxRecordBytes } = definition
  const reading = readingOf(schema)
  const isTaken = reading.fields?.some(({ name }) => name === position) === true
  const problems = isTaken ? [`position "${position}" is also a field: give the position another name`] : []
  const rowOf = rowMaker(reading)
  const format: TextFormat = {
    ...{ extension: 'ndjson', rule: { quoting: null }, maxRecordBytes },
    open: async ({ path, begin }) => ({
      start: begin,
      problems,
      rows: (records, firstPosition) => {
        const rows = new RecordRows(records.spans, { path, firstPosition, position, read: reader(records, rowOf) })
        return reading.validates ? rows.validated(schema) : rows
      },
    }),
  }
  return new TextFiles(format, { paths, folder })
}

function reader(records: Records, rowOf: (json: AnyRow) => AnyRow): (span: RecordSpan) => AnyRow {
  const textOf = validText(records)
  return (span) => {
    const text = textOf(span)
    if (text !== null) return rowOf(objectOf(text))
    throw new RecordError(records.bytes.toString('utf8', span.start, span.end), 'the line is not valid UTF-8')
  }
}

function objectOf(text: string): AnyRow {
  let json: unknown
  try {
    json = parseJson(text)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    // Its message repeats a part of the line, which may be one that is to be redacted.
    const at = /at position (\d+)/.exec(error.message)?.[1]
    throw new RecordError(
      text,
      `the line is no JSON${at === undefined ? '' : ` from its character ${Number(at) + 1} on`}`,
    )
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as AnyRow
  throw new RecordError(text, 'the line is no JSON object')
}

function rowMaker({ fields }: RowReading): (json: AnyRow) => AnyRow {
  if (fields === null) return (json) => json
  const template: AnyRow = Object.fromEntries(fields.map(({ name }) => [name, null]))
  const columns = fields.map((field) => ({ name: field.name, convert: fromJson(field) }))
  return (json) => {
    const row = { ...template }
    for (const { name, convert } of columns)
      try {
        // What an object inherits is not in the file.
        row[name] = convert(Object.hasOwn(json, name) ? json[name] : undefined)
      } catch (error) {
        if (!(error instanceof ValueError)) throw error
        throw new RecordError(json, `column "${name}" ${error.message}`)
      }
    return row
  }
}
