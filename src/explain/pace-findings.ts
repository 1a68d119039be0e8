import type { RunId } from '../contract/ids.ts'
import type { PartitionEvent } from '../contract/status.ts'
import { countText, durationText } from '../status/number-text.ts'
import type { PartitionFacts } from './facts.ts'
import type { Finding } from './finding.ts'
import { pausesOf } from './held-findings.ts'
import { type History, msOf } from './history.ts'
import { endMs, isOver, type Stage, spentOf, tookMs, usualSilenceMs } from './pace.ts'
import { rowsText, timesText } from './timeline.ts'

/** Other partitions that must have completed before their median says something. */
const leastOthers = 3
/** What counts as slower, and as far from the median. */
const [slowFactor, apart] = [2, 1.5]
const mostOfIt = 0.5

/** A partition that is being worked on, of which nothing was heard for longer than ever before. */
export function silentFinding(history: History, nowMs: number): Finding[] {
  const { newest } = history
  if (newest === undefined) return []
  const silenceMs = nowMs - msOf(newest)
  if (silenceMs < usualSilenceMs(history)) return []
  const did = newest.type === 'partition.progressed' ? `committed chunk ${newest.sequence}` : 'claimed it'
  return [
    {
      kind: 'silent',
      text: `Nothing was heard of it for ${durationText(silenceMs)}, since ${newest.worker} ${did} at ${newest.at}.`,
      remedy:
        `see the log of ${newest.worker}, and "tidemark offsets" for who has topic partition ${newest.topicPartition} ` +
        'now; when its worker is gone another one takes it over, where its last chunk ended',
    },
  ]
}

/** It takes, or took, far longer than the others of its run, and why. */
export function slowFinding({ others }: PartitionFacts, history: History, nowMs: number): Finding[] {
  const all = tookMs(history, nowMs)
  if (all === null || others === null || others.completed < leastOthers || others.medianMs <= 0) return []
  const ms = all - pausesOf(history, endMs(history, nowMs)).ms
  const factor = ms / others.medianMs
  if (factor < slowFactor) return []
  const rows = history.newest?.totals.rowsRead ?? 0
  const rate = rows / (Math.max(1, ms) / 1_000)
  const hasMore = others.medianRows > 0 && rows > others.medianRows * apart
  const isSlower = others.medianRowsPerSecond > 0 && rate * apart < others.medianRowsPerSecond
  const causes = [
    ...(hasMore ? [`it has more rows: ${countText(rows)} read, the median is ${numberText(others.medianRows)}`] : []),
    ...(isSlower
      ? [`it goes more slowly: ${numberText(rate)} rows/s, the median is ${numberText(others.medianRowsPerSecond)}`]
      : []),
  ]
  const cause = causes.length === 0 ? 'neither its rows nor its pace are far from the median' : causes.join(', and ')
  return [
    {
      kind: 'slow',
      text: `It ${isOver(history) ? 'took' : 'has taken'} ${durationText(ms)}, ${factor.toFixed(1)} times the median of its run (${durationText(others.medianMs)}): ${cause}.`,
      remedy: hasMore
        ? 'cut the next run so that each partition has about as many rows (partitionBy: quantiles)'
        : isSlower && rows > 0
          ? 'see below where its time goes'
          : null,
    },
  ]
}

const numberText = (value: number): string => countText(Math.round(value))

/** Where its time goes, or went. */
export function stagesFinding({ runId }: PartitionFacts, history: History): Finding[] {
  const spent = spentOf(history)
  const all = spent.reading + spent.transforming + spent.writing + spent.waiting
  if (all <= 0) return []
  const shares = (Object.entries(spent) as [Stage, number][]).sort(([, a], [, b]) => b - a)
  const [most, mostMs] = shares[0] ?? (['reading', 0] as const)
  const tense = isOver(history) ? 'went' : 'goes'
  if (mostMs / all < mostOfIt)
    return [{ kind: 'stages', text: `Its time ${tense} into ${sharesText(shares, all)}.`, remedy: null }]
  return [
    {
      kind: 'stages',
      text: `Most of its time ${tense} into ${most}: ${shareText(mostMs, all)} of ${durationText(all)}.`,
      remedy: isOver(history) ? null : remedyOf[most](runId),
    },
  ]
}

const sharesText = (shares: readonly (readonly [Stage, number])[], all: number): string =>
  shares.map(([stage, ms]) => `${stage} (${shareText(ms, all)})`).join(', ')
const shareText = (ms: number, all: number): string => `${Math.round((100 * ms) / all)} %`

const remedyOf: Readonly<Record<Stage, (runId: RunId) => string>> = {
  reading: () =>
    'look at the source: the plan of its query, an index on the key, its load; a file that is far away is read over the network',
  transforming: () => 'the transform is what takes long: make it cheaper, or give it more cores with more workers',
  writing: (runId) =>
    `look at the sink: locks, indexes and triggers of its table, its disk; "tidemark tune ${runId} --chunk-rows N" makes its chunks larger or smaller`,
  waiting: (runId) =>
    `it waits for its turn: "tidemark status ${runId}" says whether rowsPerSecond holds it back ("tidemark tune ${runId} --rows-per-second none" lets go); otherwise its worker has too little CPU`,
}

/** Holds that ended before the partition did. */
export function takenOverFinding({ holds }: History): Finding[] {
  if (holds.length < 2) return []
  const workers = holds.map(({ worker }) => worker)
  const takeovers = workers.filter((worker, at) => at > 0 && worker !== workers[at - 1]).length
  const again = holds.length - 1 - takeovers
  const texts = [
    ...(takeovers > 0 ? [`It was taken over ${timesText(takeovers, 'time')}: ${chainText(workers)}.`] : []),
    ...(again > 0
      ? [`${takeovers > 0 ? 'And it' : 'It'} was claimed again by who had it ${timesText(again, 'time')}.`]
      : []),
  ]
  return [
    {
      kind: 'takenOver',
      text: `${texts.join(' ')} Each time at most one chunk was read again.`,
      remedy:
        takeovers > 0
          ? 'workers that were stopped, or died, or were too slow to say that they live: their logs say which'
          : 'after a pause or a failure this is how it goes on: the log of its worker says which',
    },
  ]
}

const mostNamed = 6
/** worker-1 → worker-2 → worker-1, without those that stay. */
function chainText(workers: readonly string[]): string {
  const chain = workers.filter((worker, at) => worker !== workers[at - 1])
  if (chain.length <= mostNamed) return chain.join(' → ')
  return [...chain.slice(0, mostNamed / 2), '…', ...chain.slice(-mostNamed / 2)].join(' → ')
}

/** How far it is. */
export function workedOnFinding(
  { planned }: PartitionFacts,
  { at, worker, epoch, totals }: PartitionEvent,
  nowMs: number,
  goesOn: boolean,
): Finding {
  const of = planned?.estimatedRows ?? null
  const share =
    of === null || of === 0 ? '' : `, about ${Math.min(100, Math.round((100 * totals.rowsRead) / of))} % of it`
  const ago = durationText(Math.max(0, nowMs - msOf({ at })))
  return {
    kind: 'running',
    text: `It ${goesOn ? 'is being' : 'was'} worked on by ${worker} (epoch ${epoch}): ${timesText(totals.chunks, 'chunk')}, ${rowsText(totals.rowsRead)}${share}; last heard of ${ago} ago.`,
    remedy: null,
  }
}
