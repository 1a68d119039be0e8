// Deliberate faults, each the text of the source that it replaces; a fault whose text is not there any more stops the
// run, so that the list grows old only in the open.

export interface Change {
  readonly file: string
  readonly from: string
  readonly to: string
}

export interface Mutant {
  readonly id: string
  /** What is broken, for the table. */
  readonly breaks: string
  readonly changes: readonly Change[]
  /** Cells of the crash bench of which at least one must go red. */
  readonly cells: readonly string[]
}

const rows = 'src/sink/checkpoint-row.ts'
const groups = 'src/sink/checkpoint-groups.ts'
const sink = 'src/sink/postgres-sink.ts'
const chunk = 'src/work/write-chunk.ts'
const worker = 'src/work/worker.ts'
const act = 'src/supervise/act-on-run.ts'

const rowFence = `where partition_id = $1 and epoch = $2 and sequence = $3 and cursor is not distinct from $4 and "to" = $5
         and state = 'running'`
const groupFence = `where c.partition_id = a.partition_id and c.epoch = a.epoch and c.sequence = a.sequence
         and c.cursor is not distinct from a.before and c."to" = a."to" and c.state = 'running'`

export const mutants: readonly Mutant[] = [
  {
    id: 'no-fence',
    breaks: 'the first statement of a chunk moves the row whoever holds it',
    changes: [
      {
        file: rows,
        from: rowFence,
        to: `where partition_id = $1 and $2::bigint + $3::bigint >= 0 and concat($4::text, $5::text) is not null`,
      },
      { file: groups, from: groupFence, to: 'where c.partition_id = a.partition_id' },
    ],
    cells: ['freeze/W2', 'lapse/same'],
  },
  {
    id: 'second-transaction',
    breaks: 'rows are committed first, the checkpoint row in a transaction of its own',
    changes: [
      {
        file: sink,
        from: `        const { checkpoint, range } = await checkpoints.advance(client, chunk)
        await mark?.('W3')
        if (isFirst(chunk)) await writer.begin(client, target, [range])
        if (buffer.rows > 0) await writer.write(client, target, buffer)
        await mark?.('W4')
        return checkpoint
      })`,
        to: `        await mark?.('W3')
        if (isFirst(chunk)) await writer.begin(client, target, [chunk.holding.range])
        if (buffer.rows > 0) await writer.write(client, target, buffer)
        await mark?.('W4')
      }).then(() => withTransaction(pool, async (client) => (await checkpoints.advance(client, chunk)).checkpoint))`,
      },
      {
        file: sink,
        from: 'return isSmall(chunk, buffer) ? commitSmall({ chunk, buffer, target }) : commitAlone({ chunk, buffer, target })',
        to: 'return commitAlone({ chunk, buffer, target })',
      },
    ],
    cells: ['kill/W5/9', 'cutAtCommit/postgres/9'],
  },
  {
    id: 'offset-before-commit',
    breaks: 'the offset passes a task as soon as it is begun',
    changes: [
      {
        file: worker,
        from: '      const outcome = isEnding',
        to: '      lane.finish(offset)\n      const outcome = isEnding',
      },
    ],
    cells: ['gone/W6', 'kill/W11/2'],
  },
  {
    id: 'event-before-commit',
    breaks: 'a chunk is told before it is committed',
    changes: [
      {
        file: chunk,
        from: '    return sink.commit(chunkOf(',
        to: `    const early = { ...before, sequence: before.sequence + 1, cursor: page.cursor }
    await deps.tell([progressed(teller, early, { readMs: 0, transformMs: 0, writeMs: 0 })])
    return sink.commit(chunkOf(`,
      },
    ],
    cells: ['kill/W4/9'],
  },
  {
    id: 'fenced-commits',
    breaks: 'a task whose holder was fenced counts as finished, and its offset passes',
    changes: [{ file: worker, from: "if (outcome === 'finished') {", to: "if (outcome !== 'interrupted') {" }],
    cells: ['lapse/same'],
  },
  {
    id: 'message-bounds',
    breaks: 'a claim takes the bounds of the message, whatever they are, not those of the row',
    changes: [
      {
        file: 'src/work/read-task.ts',
        from: '  if (partitionIdOf(runId, { index, ...range }) !== partitionId)',
        to: '  if (partitionIdOf(runId, { index, ...range }) === "")',
      },
      { file: rows, from: 'set epoch = c.epoch + 1,', to: 'set "to" = excluded."to", epoch = c.epoch + 1,' },
      { file: groups, from: 'set epoch = c.epoch + 1,', to: 'set "to" = excluded."to", epoch = c.epoch + 1,' },
    ],
    cells: ['lapse/other'],
  },
  {
    id: 'cancel-unfenced',
    breaks: 'the fence does not look at the state: a chunk is committed to what was cancelled',
    changes: [
      { file: rows, from: rowFence, to: rowFence.replace("and state = 'running'", '') },
      { file: groups, from: groupFence, to: groupFence.replace(" and c.state = 'running'", '') },
    ],
    cells: ['cancel/W2'],
  },
  {
    id: 'pause-ignored',
    breaks: 'a pause is acknowledged, and the tasks of the run go on',
    changes: [
      { file: worker, from: "return intent === 'paused' || (intent", to: 'return (intent' },
      {
        file: worker,
        from: "&& !isEnding && intents.of(task) !== 'running'",
        to: "&& !isEnding && intents.of(task) === 'cancelled'",
      },
    ],
    cells: ['freeze/P1/pause', 'message/oldIntents'],
  },
  {
    id: 'old-intents',
    breaks: 'whatever comes last from the control topic is what is wanted, not what has the highest sequence',
    changes: [
      {
        file: 'src/work/intents.ts',
        from: 'if (before !== undefined && before.message.sequence >= message.sequence) return false',
        to: 'if (before !== undefined && before.message.sequence === message.sequence) return false',
      },
    ],
    cells: ['message/oldIntents'],
  },
  {
    id: 'stranded-forever',
    breaks: 'partitions that no open task covers are not published again',
    changes: [
      {
        file: act,
        from: 'inBatches(found.stranded.filter((id) => !doubted.has(id)))',
        to: 'inBatches(found.stranded.filter((id) => doubted.has(id)))',
      },
    ],
    cells: ['failover/sink'],
  },
  {
    id: 'early-collection',
    breaks: 'the checkpoint rows of a run are deleted as soon as it has ended',
    changes: [
      {
        file: act,
        from: "  await deps.mark?.('Q4')",
        to: "  await deps.pool.query(`delete from ${deps.schema}.checkpoint where run_id = '${run.id}'`)\n  await deps.mark?.('Q4')",
      },
    ],
    cells: ['message/late'],
  },
]
