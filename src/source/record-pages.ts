import type { Cursor } from '../contract/range.ts'
import type { TopicRecord } from '../kafka/batch-records.ts'

export interface RecordPage {
  readonly records: readonly TopicRecord[]
  readonly cursor: Cursor | null
  readonly last: boolean
}

/** A page of large records is shorter than it might be. */
const usualBytes = 32 * 1_048_576

/**
 * Pages of at most `chunkRows` records and about `mostBytes`. A page is given when a record behind it is known, or the
 * end: what is left of a range may have no record.
 */
export async function* recordPages(
  pieces: AsyncIterable<readonly TopicRecord[]>,
  after: Cursor | null,
  chunkRows: number,
  mostBytes = usualBytes,
): AsyncGenerator<RecordPage> {
  let cursor = after
  let records: TopicRecord[] = []
  let bytes = 0
  for await (const piece of pieces)
    for (const record of piece) {
      if (records.length === chunkRows || (records.length > 0 && bytes >= mostBytes)) {
        cursor = cursorOf(records) ?? cursor
        yield { records, cursor, last: false }
        records = []
        bytes = 0
      }
      records.push(record)
      bytes += bytesOf(record)
    }
  yield { records, cursor: cursorOf(records) ?? cursor, last: true }
}

const cursorOf = (records: readonly TopicRecord[]): Cursor | undefined => records.at(-1)?.offset.toString()

const bytesOf = ({ key, value }: TopicRecord): number => (key?.length ?? 0) + (value?.length ?? 0)
