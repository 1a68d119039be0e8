import { TerminalError } from '../contract/errors.ts'
import { PartitionId, RunId } from '../contract/ids.ts'

/** How a person names a partition: by its id, or by its run and its place in the plan. */
export type PartitionRef = { readonly partitionId: PartitionId } | { readonly runId: RunId; readonly index: number }

/** Throws TerminalError (NOT_FOUND) when the text names no partition. */
export function parsePartitionRef(text: string): PartitionRef {
  const partitionId = PartitionId.safeParse(text)
  if (partitionId.success) return { partitionId: partitionId.data }
  const [run, index, ...more] = text.split('/')
  const runId = RunId.safeParse(run)
  if (runId.success && index !== undefined && /^\d{1,9}$/.test(index) && more.length === 0)
    return { runId: runId.data, index: Number(index) }
  throw new TerminalError(
    'NOT_FOUND',
    `"${text}" names no partition: give its id, or RUN/INDEX such as 019aa000-0000-7000-8000-000000000001/0; ` +
      '"tidemark status" lists the runs, and "tidemark status RUN" says how many partitions one has',
  )
}
