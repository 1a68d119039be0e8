import type { FileHandle } from 'node:fs/promises'
import { RecordReader, type RecordsOptions } from './record-reader.ts'

export interface RecordStarts {
  /** In the file, ascending: the first record at or after each multiple of the size. */
  readonly starts: readonly number[]
  /** Of the whole file. */
  readonly records: number
}

/**
 * Reads a file once to find where it can be cut into ranges of about `size` bytes that begin where records do. The first
 * of them begins with the file. More than `limit` are not looked for.
 */
export async function recordStarts(
  handle: FileHandle,
  options: Omit<RecordsOptions, 'to'>,
  { size, limit }: { readonly size: number; readonly limit: number },
  signal: AbortSignal,
): Promise<RecordStarts> {
  const reader = new RecordReader(handle, { ...options, to: options.bytes })
  const starts: number[] = []
  let records = 0
  let wanted = size
  while (starts.length <= limit && (await reader.ready(signal))) {
    const { spans } = reader.take(Number.POSITIVE_INFINITY)
    for (const { position } of spans) {
      if (position >= wanted && records > 0) starts.push(position)
      if (position >= wanted) wanted = (Math.floor(position / size) + 1) * size
      records += 1
    }
  }
  return { starts, records }
}

/** About how many records a file has, by its first bytes. */
export async function guessRecords(
  handle: FileHandle,
  options: Omit<RecordsOptions, 'to'>,
  signal: AbortSignal,
): Promise<number> {
  const reader = new RecordReader(handle, { ...options, to: options.bytes })
  if (!(await reader.ready(signal))) return 0
  const { spans } = reader.take(Number.POSITIVE_INFINITY)
  if (!(await reader.ready(signal))) return spans.length
  return Math.round(((options.bytes - options.from) * spans.length) / (reader.position - options.from))
}
