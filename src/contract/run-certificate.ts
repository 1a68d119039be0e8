import { z } from 'zod'
import { Count } from './certificate.ts'
import { BackfillId, PartitionId, RequestKey, RunId, Sha256 } from './ids.ts'
import { Instant } from './instant.ts'
import { DecimalInteger, KeyRange } from './range.ts'
import { RunState } from './states.ts'

/** Count and content hash of some rows: order-free, and additive over any parts of them. */
export const RowsProof = z.object({ rows: Count, contentHash: DecimalInteger })
export type RowsProof = z.infer<typeof RowsProof>

/** A row that is not as it should be, found by its key. */
export const RowDifference = z.object({
  /**
   * `missing`: sent, and not there. `changed`: there with other values. `extra`: there, and not sent. `doubled`: sent, and
   * there more often.
   */
  what: z.enum(['missing', 'changed', 'extra', 'doubled']),
  /** Columns of the key with their values as the server writes them. */
  key: z.record(z.string(), z.string().nullable()),
  /** What differs in a changed row; values of redacted columns are left out. */
  columns: z.array(
    z.object({ name: z.string(), sent: z.string().nullable().optional(), stored: z.string().nullable().optional() }),
  ),
})
export type RowDifference = z.infer<typeof RowDifference>

/** A part of the plan that is not there, or is there twice, or whose chunks contradict its checkpoint row. */
export const CoverageFlaw = z.object({
  what: z.enum(['gap', 'overlap', 'broken chain']),
  from: z.string(),
  to: z.string(),
  /** Of a gap, what the plan says of it; of an overlap, that two partitions have it. */
  why: z.string(),
  /** Completed partitions before and after it, by their index; of an overlap the two that have it, of a chain its own. */
  neighbours: z.tuple([Count.nullable(), Count.nullable()]),
})
export type CoverageFlaw = z.infer<typeof CoverageFlaw>

/** A partition that does not hold what was sent. */
export const PartitionDifference = z.object({
  partitionId: PartitionId,
  index: Count,
  range: KeyRange,
  sent: RowsProof,
  stored: RowsProof,
  /** What its source gives now; null: it was not read again. */
  source: RowsProof.nullable(),
  /** At most a hundred of them. */
  rows: z.array(RowDifference),
  /** Why no rows are named. */
  note: z.string().nullable(),
})
export type PartitionDifference = z.infer<typeof PartitionDifference>

const listed = { flaws: z.array(CoverageFlaw), differences: z.array(PartitionDifference) }

/**
 * What a run sent, what stands in its sink, and whether that is the same. Lists hold the first hundred; the counts beside
 * them say how many there are.
 */
export const RunCertificate = z.object({
  version: z.literal(1),
  certifies: z.literal('run'),
  at: Instant,
  run: z.object({
    id: RunId,
    requestKey: RequestKey,
    backfill: BackfillId,
    state: RunState,
    definitionHash: Sha256,
    planHash: Sha256,
    range: KeyRange,
  }),
  /** Server, database and table; for machines and for people. */
  target: z.object({ id: z.string(), name: z.string() }),
  /** What the content hash is of, in its order. */
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  partitions: z.object({
    total: Count,
    completed: Count,
    failed: Count,
    cancelled: Count,
    unfinished: Count,
    /** Of the completed and failed ones, those of which a later run wrote a part: they are not compared. */
    superseded: Count,
  }),
  coverageFlaws: Count,
  differingPartitions: Count,
  /** Sums of the checkpoint rows. */
  sent: RowsProof,
  /** Counted and hashed by the sink's own server, over the partitions that are compared; null where it cannot tell. */
  stored: RowsProof.nullable(),
  /** Of the same partitions, what was sent. */
  compared: RowsProof,
  /** Of the same partitions, what the source gives now, by way of the transform; null: it was not read again. */
  source: RowsProof.nullable(),
  /**
   * `equal`: every partition of the plan is there, as it was sent. `overwritten`: later runs wrote all of it. `sent only`: the
   * sink cannot tell what is stored.
   */
  verdict: z.enum(['equal', 'incomplete', 'different', 'overwritten', 'sent only']),
  ...listed,
})
export type RunCertificate = z.infer<typeof RunCertificate>

/** Two tables, or parts of them, beside each other. */
export const TablesCertificate = z.object({
  version: z.literal(1),
  certifies: z.literal('tables'),
  at: Instant,
  tables: z.tuple([z.string(), z.string()]),
  columns: z.array(z.string()),
  key: z.array(z.string()),
  first: RowsProof,
  second: RowsProof,
  verdict: z.enum(['equal', 'different']),
  /** The first hundred; `stored` is the second table's, `sent` the first one's. */
  rows: z.array(RowDifference),
})
export type TablesCertificate = z.infer<typeof TablesCertificate>

/** A part of a range in which two runs differ. */
export const RangeDifference = z.object({ range: KeyRange, first: RowsProof, second: RowsProof })
export type RangeDifference = z.infer<typeof RangeDifference>

/** What stands of two runs. */
export const RunsCertificate = z.object({
  version: z.literal(1),
  certifies: z.literal('runs'),
  at: Instant,
  runs: z.tuple([RunId, RunId]),
  targets: z.tuple([z.string(), z.string()]),
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  /** From the first to the last key of both. */
  range: KeyRange,
  first: RowsProof,
  second: RowsProof,
  verdict: z.enum(['equal', 'different']),
  /** Single keys (whole milliseconds of times), the first hundred. */
  ranges: z.array(RangeDifference),
})
export type RunsCertificate = z.infer<typeof RunsCertificate>

export const Certificate = z.discriminatedUnion('certifies', [RunCertificate, RunsCertificate, TablesCertificate])
export type Certificate = z.infer<typeof Certificate>

/** A certificate as it is kept: nobody can change it unnoticed, and with a signature nobody can make one up. */
export const SealedCertificate = z.object({
  certificate: Certificate,
  /** SHA-256 of the certificate's canonical JSON (RFC 8785). */
  digest: Sha256,
  /** Of the digest's bytes. */
  signature: z.object({ algorithm: z.literal('ed25519'), publicKey: z.base64(), value: z.base64() }).nullable(),
})
export type SealedCertificate = z.infer<typeof SealedCertificate>
