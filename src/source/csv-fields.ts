import { isUtf8 } from 'node:buffer'
import { parse } from 'csv-parse/sync'
import type { RecordSpan, Records } from '../files/record-reader.ts'

/** Texts of a record's fields, null for one that is empty and not in quotes; or why it has none. */
export type CsvFields = readonly (string | null)[] | string

export interface CsvWords {
  readonly delimiter: string
  readonly quote: string | null
}

/**
 * The fields of records. Without quotes a record is what stands between its delimiters; the others are csv-parse's, which
 * is given sound ones only, and so never has to tell where one ends.
 */
export function csvFields({ bytes, spans }: Records, { delimiter, quote }: CsvWords): CsvFields[] {
  const isValid = isUtf8(bytes.subarray(spans[0]?.start ?? 0, spans.at(-1)?.end ?? 0))
  const quoted: RecordSpan[] = []
  const fields = spans.map((span): CsvFields | null => {
    const { start, end, problem, isQuoted } = span
    if (!isValid && !isUtf8(bytes.subarray(start, end))) return 'the record is not valid UTF-8'
    if (problem !== null) return `the record is no CSV: ${problem}`
    if (!isQuoted) return bytes.toString('utf8', start, end).split(delimiter).map(emptyAsNull)
    quoted.push(span)
    return null
  })
  if (quoted.length === 0 || quote === null) return fields.map((of) => of ?? [])
  const parsed = parseQuoted(bytes, quoted, { delimiter, quote })
  let next = 0
  return fields.map((of) => of ?? parsed[next++] ?? [])
}

const emptyAsNull = (text: string): string | null => (text === '' ? null : text)

function parseQuoted(bytes: Buffer, spans: readonly RecordSpan[], { delimiter, quote }: CsvWords): (string | null)[][] {
  const newline = Buffer.from('\n')
  const data = Buffer.concat(spans.flatMap(({ start, end }) => [bytes.subarray(start, end), newline]))
  const records: (string | null)[][] = parse(data, {
    ...{ delimiter, quote, escape: quote, record_delimiter: '\n', bom: false, relax_column_count: true },
    cast: (text, { quoting }) => (text === '' && !quoting ? null : text),
  })
  if (records.length !== spans.length) throw new Error(`csv-parse made ${records.length} records of ${spans.length}`)
  return records
}
