import type { RecordReader, Records } from '../files/record-reader.ts'
import type { RecordRule } from '../files/record-scan.ts'
import type { PageRows } from './source.ts'

/** What a format of text files makes of their records. */
export interface TextFormat {
  /** What such files are usually called. */
  readonly extension: string
  readonly rule: RecordRule
  readonly maxRecordBytes: number
  /** Makes what the beginning of a file says about the rest. Throws TerminalError (SOURCE_NOT_READABLE). */
  open(file: OpenText, signal: AbortSignal): Promise<TextBody>
}

export interface OpenText {
  readonly path: string
  /** Of its first byte that is no mark of the encoding. */
  readonly begin: number
  /** Reads records from a byte on, up to the end of the file. */
  readonly records: (from: number) => RecordReader
}

export interface TextBody {
  /** Where the first record that is a row may begin, in the file. */
  readonly start: number
  /** Every way in which the rows of the schema cannot be read from the file. */
  readonly problems: readonly string[]
  /** `firstPosition`: of the file's first byte, counted through all files. */
  rows(records: Records, firstPosition: number): PageRows | Promise<PageRows>
}
