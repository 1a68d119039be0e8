// What every Postgres sink does alike: claims, fences, and one transaction a chunk in which rows and checkpoint stand
// or fall together. Reads the catalogue before the first rows. After a crash the server has the whole chunk or nothing
// of it. Never writes outside that transaction.
import type { Checkpoint } from '../contract/checkpoint.ts'
import { RetryableError, TerminalError } from '../contract/errors.ts'
import type { KeyKind, KeyRange } from '../contract/range.ts'
import { codeOf } from '../postgres/classify.ts'
import { CopyBuffer, type CopyLayout, type CopyLimits, copyLayout, guardedLayout } from '../postgres/copy-binary.ts'
import { groupCalls } from '../postgres/group-calls.ts'
import { tableName } from '../postgres/identifier.ts'
import { type Client, nameOf, type Pool, query, rolledBack, withTransaction } from '../postgres/pool.ts'
import type { Mark } from '../process/marks.ts'
import { brokenChains } from './broken-chains.ts'
import { checkpointGroups } from './checkpoint-groups.ts'
import { checkpointRows, fenced, type Held } from './checkpoint-row.ts'
import { ownedRange } from './postgres-range.ts'
import { type RefusalContext, refusalOf, rowRefusal } from './postgres-refusal.ts'
import { type Demands, fieldsOf, inspectTarget, type Target } from './postgres-target.ts'
import { rehearse } from './rehearse.ts'
import type { Chunk, Claim, Holding, Sink } from './sink.ts'
import { keyOf, rowDifferences, type StoredTable, storedTotals } from './stored-rows.ts'
import { ValidatedBuffer } from './validated-buffer.ts'
import { withheldRows } from './withheld-rows.ts'

export interface PostgresSinkDeps {
  readonly pool: Pool
  /** Schema of Tidemark's own tables in the sink's database. */
  readonly schema: string
  readonly leaseMs: number
  /** Bytes of a row and of a chunk, as they are sent. Default: none. */
  readonly limits?: CopyLimits
  /** Columns whose values must not be repeated in messages. */
  readonly redact?: readonly string[]
  /** Only looked at: Tidemark's own tables need not be there. */
  readonly isUntracked?: boolean
  readonly mark?: Mark
}

/** How one kind of sink brings a chunk's rows into its table, inside the chunk's transaction. */
export interface PostgresWriter {
  readonly demands: Demands
  /** Whether the rows carry their number, to tell which of two came later. */
  readonly numbered: boolean
  /** Whether one transaction may hold chunks of several partitions. */
  readonly writesMany: boolean
  /** Before the first rows of partitions of which nothing was written, by anybody; their ranges are of one kind. */
  begin(client: Client, target: Target, ranges: readonly KeyRange[]): Promise<void>
  write(client: Client, target: Target, buffer: CopyBuffer): Promise<void>
}

const smallBytes = 16_384

export function createPostgresSink(writer: PostgresWriter, deps: PostgresSinkDeps): Sink {
  const { pool, schema, leaseMs, limits, mark } = deps
  const checkpoints = checkpointRows(schema, leaseMs)
  const withheld = withheldRows(schema, leaseMs)
  const groups = checkpointGroups(schema, leaseMs)
  const { demands } = writer
  const refusal: RefusalContext = {
    where: `${demands.table} in ${nameOf(pool)}`,
    tellsValues: (deps.redact ?? []).length === 0,
  }
  const validate = fieldsOf(demands.schema) === null ? demands.schema : null
  let opened: Opened | undefined
  let opening: Promise<Opened> | undefined
  // Chunks are about as large as the one before: a buffer of that size never has to grow. One small one among them is not
  // taken for a sign.
  let capacity = 65_536

  const inspect = async (): Promise<Opened> => {
    const { target, problems } = await inspectTarget(pool, deps.isUntracked === true ? null : schema, demands)
    if (problems.length > 0)
      throw new TerminalError('SINK_NOT_WRITABLE', `sink ${demands.table}: ${problems.join('; ')}`, {
        reasons: problems,
      })
    return { target, layout: copyLayout(target.columns, writer.numbered) }
  }
  const open = async (): Promise<Opened> => {
    if (opened !== undefined) return opened
    opening ??= inspect().then(
      (found) => (opened = found),
      (error: unknown) => {
        opening = undefined
        throw error
      },
    )
    return opening
  }

  const claim = groupCalls<Claiming, Claim>({
    alone: async ({ holding, mayClaim }) => (mayClaim() ? checkpoints.claim(pool, holding) : barred),
    together: async (claiming) => {
      const allowed = claiming.filter(({ mayClaim }) => mayClaim()).map(({ holding }) => holding)
      const claimed = allowed.length === 0 ? undefined : await groups.claim(pool, allowed).catch(aloneWhereRefused)
      return claiming.map(({ holding }) => {
        if (!allowed.includes(holding)) return { result: barred }
        const held = claimed?.get(holding.partitionId)
        return held === undefined ? undefined : { result: { kind: 'claimed', ...held } }
      })
    },
    clash: ({ holding: a }, { holding: b }) => a.partitionId === b.partitionId || a.worker !== b.worker,
  })

  const inChunkTransaction = <T>(act: (client: Client) => Promise<T>): Promise<T> =>
    withTransaction(pool, act, () => mark?.('W5'))

  const commitAlone = async ({ chunk, buffer, target }: Written): Promise<Checkpoint> => {
    try {
      return await inChunkTransaction(async (client) => {
        const { checkpoint, range } = await checkpoints.advance(client, chunk)
        await mark?.('W3')
        if (isFirst(chunk)) await writer.begin(client, target, [range])
        if (buffer.rows > 0) await writer.write(client, target, buffer)
        await mark?.('W4')
        return checkpoint
      })
    } catch (error) {
      throw refusalOf(error, refusal)
    }
  }

  const tryRows = async (client: Client, target: Target, buffer: CopyBuffer): Promise<string | null> => {
    await client.query('savepoint trial')
    let refused: string | null = null
    try {
      if (buffer.rows > 0) await writer.write(client, target, buffer)
      // Those that would be looked at by COMMIT.
      await client.query('set constraints all immediate')
    } catch (error) {
      refused = rowRefusal(error, refusal.tellsValues)
      if (refused === null) throw error
    }
    await client.query('rollback to savepoint trial; release savepoint trial')
    return refused
  }

  const commitSmall = groupCalls<Written, Checkpoint>({
    alone: commitAlone,
    together: async (written) => {
      const advance = async (client: Client): Promise<ReadonlyMap<string, Held>> => {
        const advanced = await groups.advance(
          client,
          written.map(({ chunk }) => chunk),
        )
        await mark?.('W3')
        const current = written.filter(({ chunk }) => advanced.has(chunk.holding.partitionId))
        const begun = current.filter(({ chunk }) => isFirst(chunk))
        const ranges = begun.flatMap(({ chunk }) => advanced.get(chunk.holding.partitionId)?.range ?? [])
        if (begun[0] !== undefined) await writer.begin(client, begun[0].target, ranges)
        for (const { buffer, target } of current) if (buffer.rows > 0) await writer.write(client, target, buffer)
        await mark?.('W4')
        return advanced
      }
      const advanced = await inChunkTransaction(advance).catch(aloneWhereRefused)
      return written.map(({ chunk }) => {
        if (advanced === undefined) return undefined
        const held = advanced.get(chunk.holding.partitionId)
        return held === undefined ? { error: fenced(chunk.before) } : { result: held.checkpoint }
      })
    },
    clash: ({ chunk: { holding: a } }, { chunk: { holding: b } }) =>
      a.partitionId === b.partitionId || a.range.kind !== b.range.kind,
  })

  const storedTable = async (kind: KeyKind | undefined): Promise<StoredTable | null> => {
    const { range } = demands
    // Of keys only the source's server knows the order.
    if (range === null || kind === 'key') return null
    const { target } = await open()
    const key = demands.key ?? (await keyOf({ pool, target, range }))
    return { pool, target, range, key, number: writer.numbered ? 'tidemark_number' : null, redact: deps.redact ?? [] }
  }

  /** Small enough that beginning and ending a transaction costs more than what is in it. */
  const isSmall = ({ rejected }: Chunk, { rows, bytes }: CopyBuffer): boolean =>
    rejected.length === 0 && (rows === 0 || (writer.writesMany && bytes <= smallBytes))

  return {
    mergesByKey: demands.key !== null,

    async target() {
      const { schema: namespace, table } = tableName(demands.table)
      const { rows } = await query<{ server: string; database: string }>(
        pool,
        'select system_identifier as server, current_database() as database from pg_control_system()',
      )
      const own = `${namespace}.${table}`
      return { id: `${rows[0]?.server}/${rows[0]?.database}/${own}`, name: `${nameOf(pool)}/${own}` }
    },

    async check(signal) {
      signal.throwIfAborted()
      opened = await inspect()
    },

    async claim(holding, mayClaim = () => true) {
      await open()
      return claim({ holding, mayClaim })
    },

    buffer(range) {
      if (opened === undefined) throw new TypeError('the sink has not looked at its table yet: claim or check first')
      const layout =
        demands.range === null
          ? opened.layout
          : guardedLayout(opened.layout, demands.range, ownedRange(opened.target, demands.range, range))
      return validate === null
        ? new CopyBuffer(layout, capacity, limits)
        : new ValidatedBuffer(layout, capacity, validate, limits)
    },

    async commit(chunk) {
      const { target } = await open()
      const { buffer, added } = chunk
      if (!(buffer instanceof CopyBuffer)) throw new TypeError('the chunk carries a buffer of another sink')
      if (added.rowsWritten !== buffer.rows || added.contentHash !== buffer.contentHash.toString())
        throw new TypeError(`the chunk says ${added.rowsWritten} rows, its buffer holds ${buffer.rows}`)
      capacity = Math.max(1_024, buffer.bytes + (buffer.bytes >> 3), capacity - (capacity >> 3))
      return isSmall(chunk, buffer) ? commitSmall({ chunk, buffer, target }) : commitAlone({ chunk, buffer, target })
    },

    async trial(chunk, act) {
      const { target } = await open()
      return rolledBack(pool, async (client) => {
        const range = await checkpoints.requireHold(client, chunk)
        if (isFirst(chunk)) await writer.begin(client, target, [range])
        return act((buffer) => {
          if (!(buffer instanceof CopyBuffer)) throw new TypeError('the trial is given a buffer of another sink')
          return tryRows(client, target, buffer)
        })
      }).catch((error: unknown) => {
        throw refusalOf(error, refusal)
      })
    },

    async rehearse(buffer) {
      const { target } = await open()
      if (!(buffer instanceof CopyBuffer)) throw new TypeError('the rehearsal is given a buffer of another sink')
      await rehearse(pool, writer, target, buffer).catch((error: unknown) => {
        throw refusalOf(error, refusal)
      })
    },

    async fail(holding, before, failure) {
      return checkpoints.fail(pool, holding, before, failure)
    },

    async rejections(runId) {
      return checkpoints.rejections(pool, runId)
    },

    async wantSplit(holding) {
      await checkpoints.wantSplit(pool, holding)
    },

    async cancel(partitions) {
      return checkpoints.cancel(pool, partitions)
    },

    async withhold(runId, workers, forMs) {
      return withheld.withhold(pool, runId, workers, forMs)
    },

    async release(runId) {
      await withheld.release(pool, runId)
    },

    async renew(holding, epoch) {
      return checkpoints.renew(pool, holding, epoch)
    },

    async checkpoints(runId) {
      return checkpoints.list(pool, runId)
    },

    async stored(ranges) {
      const table = await storedTable(ranges[0]?.kind)
      return table === null ? null : storedTotals(table, ranges)
    },

    async differences(range, pages, limit) {
      const table = await storedTable(range.kind)
      return table === null ? null : rowDifferences(table, range, pages, limit)
    },

    async hashedColumns() {
      const { target } = await open()
      return target.columns.map(({ name, type }) => ({ name, type }))
    },

    async brokenChains(runId) {
      return brokenChains(pool, schema, runId)
    },
  }
}

interface Claiming {
  readonly holding: Holding
  readonly mayClaim: () => boolean
}

const barred: Claim = { kind: 'barred' }

/** A chunk with what writing it takes. */
interface Written {
  readonly chunk: Chunk
  readonly buffer: CopyBuffer
  readonly target: Target
}

const isFirst = ({ before }: Pick<Chunk, 'before'>): boolean => before.sequence === 0 && before.cursor === null

/** The server refused a group, for a lock or a row of one of its members, and rolled it back: each is made alone. */
function aloneWhereRefused(error: unknown): undefined {
  const isRefused =
    error instanceof RetryableError
      ? error.code === 'SINK_BUSY' || error.code === 'CHUNK_TOO_LARGE'
      : error instanceof Error && codeOf(error) !== undefined
  if (!isRefused) throw error
}

interface Opened {
  readonly target: Target
  readonly layout: CopyLayout
}
