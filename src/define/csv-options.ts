import type { RowSchema } from './row-schema.ts'
import type { CsvSource } from './source-definition.ts'

/** Options that files of text have in common. */
export interface TextOptions<Row, Position extends string> {
  readonly schema: RowSchema<Row>
  readonly position?: Position
  readonly maxRecordBytes?: number
}

type CsvOptions = Pick<CsvSource<unknown>, 'header' | 'delimiter' | 'quote' | 'quotedNewlines'>

/** The options, where they can be: throws RangeError naming the option, its value and what would be right. */
export function checkedCsvOptions(options: CsvOptions): CsvOptions {
  const { header, delimiter, quote } = options
  for (const [name, value] of Object.entries({ delimiter, quote }))
    if (value !== null && !/^[\t\x20-\x7e]$/.test(value))
      throw new RangeError(`${name} is one printable ASCII character or a tab, got ${JSON.stringify(value)}`)
  if (delimiter === quote) throw new RangeError(`delimiter and quote are both ${JSON.stringify(quote)}`)
  if (header === true) return options
  if (header.length === 0) throw new RangeError('header is true, or names every column: got no name')
  const twice = header.find((name, at) => header.indexOf(name) !== at)
  if (twice !== undefined) throw new RangeError(`header names "${twice}" twice`)
  return options
}
