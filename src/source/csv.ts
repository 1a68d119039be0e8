import type { AnyRow } from '../define/row-schema.ts'
import type { CsvSource } from '../define/source-definition.ts'
import type { RecordSpan } from '../files/record-reader.ts'
import { csvColumns, headerProblems } from './csv-columns.ts'
import { type CsvFields, csvFields } from './csv-fields.ts'
import { RecordError, RecordRows } from './record-rows.ts'
import { type RowReading, readingOf } from './row-field.ts'
import type { Source } from './source.ts'
import { TextFiles } from './text-files.ts'
import type { OpenText, TextBody, TextFormat } from './text-format.ts'

/** The rows of CSV files; see `files.csv`. Paths are relative to `folder`. */
export function openCsvSource(definition: CsvSource<AnyRow>, { folder }: { folder: string }): Source {
  const { paths, maxRecordBytes, quote, delimiter, quotedNewlines } = definition
  const quoting =
    quote === null
      ? null
      : { quote: quote.charCodeAt(0), delimiter: delimiter.charCodeAt(0), spansLines: quotedNewlines }
  const reading = readingOf(definition.schema)
  const format: TextFormat = {
    ...{ extension: 'csv', rule: { quoting }, maxRecordBytes },
    open: (file, signal) => openCsv(definition, reading, file, signal),
  }
  return new TextFiles(format, { paths, folder })
}

async function openCsv(
  definition: CsvSource<AnyRow>,
  reading: RowReading,
  file: OpenText,
  signal: AbortSignal,
): Promise<TextBody> {
  if (definition.header !== true) return bodyOf(definition, reading, file, definition.header, file.begin)
  const reader = file.records(file.begin)
  // Nothing names columns, and there are no rows that could miss them.
  if (!(await reader.ready(signal))) return { start: file.begin, problems: [], rows: () => [] }
  const first = reader.take(1)
  const names = first.spans.map(csvFields(first, definition))[0] ?? []
  if (typeof names === 'string')
    return { start: reader.position, problems: [`the header cannot be read: ${names}`], rows: () => [] }
  return bodyOf(
    definition,
    reading,
    file,
    names.map((name) => name ?? ''),
    reader.position,
  )
}

function bodyOf(
  definition: CsvSource<AnyRow>,
  reading: RowReading,
  { path }: OpenText,
  names: readonly string[],
  start: number,
): TextBody {
  const { position, schema } = definition
  const columns = csvColumns(names, reading)
  const template: AnyRow = Object.fromEntries(columns.map(({ name }) => [name, null]))
  const rowOf = (fields: CsvFields, text: () => string): AnyRow => {
    if (typeof fields === 'string') throw new RecordError(text(), fields)
    if (fields.length !== names.length)
      throw new RecordError(
        text(),
        `the record has ${counted(fields.length, 'field')}, the file ${counted(names.length, 'column')}`,
      )
    const row = { ...template }
    for (const column of columns) row[column.name] = column.value(fields)
    return row
  }
  return {
    start,
    problems: headerProblems(names, columns, position),
    rows: (records, firstPosition) => {
      const fieldsOf = csvFields(records, definition)
      const read = (span: RecordSpan): AnyRow =>
        rowOf(fieldsOf(span), () => records.bytes.toString('utf8', span.start, span.end))
      const rows = new RecordRows(records.spans, { path, firstPosition, position, read })
      return reading.validates ? rows.validated(schema) : rows
    },
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
