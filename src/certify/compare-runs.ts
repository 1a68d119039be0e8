import { TerminalError } from '../contract/errors.ts'
import { boundText, boundValue, cutUnits, type KeyRange, type NumberedKind } from '../contract/range.ts'
import type { RangeDifference, RowsProof, RunsCertificate } from '../contract/run-certificate.ts'
import type { Run } from '../plan/run.ts'
import type { Sink } from '../sink/sink.ts'

/** A run and where it wrote to. */
export interface RunSide {
  readonly run: Pick<Run, 'id' | 'range' | 'target'>
  readonly sink: Pick<Sink, 'stored' | 'hashedColumns'>
}

const mostNamed = 100
const pieces = 64

/**
 * What stands of two runs, in the same range of both sinks, wherever those are. Where count or hash differ the range is
 * cut, again and again, down to single keys. Throws TerminalError (PARAMS_INVALID) where they cannot be compared.
 */
export async function compareRuns(
  first: RunSide,
  second: RunSide,
  now: () => Date,
  signal: AbortSignal,
): Promise<RunsCertificate> {
  const columns = await comparableColumns(first, second)
  const range = sharedRange(first.run, second.run)
  const [a, b] = await stored([first, second], [range])
  const ranges: RangeDifference[] = []
  const whole = { range, first: a[0] ?? nothing, second: b[0] ?? nothing }
  if (!isSame(whole)) await narrow([first, second], [whole], ranges, signal)
  return {
    version: 1,
    certifies: 'runs',
    at: now().toISOString(),
    runs: [first.run.id, second.run.id],
    targets: [first.run.target.name, second.run.target.name],
    columns: [...columns],
    range,
    first: whole.first,
    second: whole.second,
    verdict: isSame(whole) ? 'equal' : 'different',
    ranges: ranges.slice(0, mostNamed),
  }
}

async function comparableColumns(
  first: RunSide,
  second: RunSide,
): Promise<readonly RunsCertificate['columns'][number][]> {
  const [a, b] = await Promise.all([first.sink.hashedColumns(), second.sink.hashedColumns()])
  const text = (columns: typeof a): string => columns.map(({ name, type }) => `${name} ${type}`).join(', ')
  if (text(a) === text(b)) return a
  throw cannot(
    first,
    second,
    `the columns of one are ${text(a)}, of the other ${text(b)}: "certify --tables" compares some of them`,
  )
}

/** Both as a whole: a row that only one of them was over is a difference. */
function sharedRange(a: RunSide['run'], b: RunSide['run']): KeyRange & { readonly kind: NumberedKind } {
  const { kind } = a.range
  if (kind === 'key' || kind !== b.range.kind)
    throw new TerminalError(
      'PARAMS_INVALID',
      `run ${a.id} is cut by ${a.range.kind}, run ${b.id} by ${b.range.kind}: their ranges cannot be compared`,
    )
  const value = (bound: string): bigint => boundValue(kind, bound)
  const [from, to] = [[a.range.from, b.range.from].map(value), [a.range.to, b.range.to].map(value)]
  const least = from.reduce((one, other) => (one < other ? one : other))
  const most = to.reduce((one, other) => (one > other ? one : other))
  return { kind, from: boundText(kind, least), to: boundText(kind, most) }
}

type Sides = readonly [RunSide, RunSide]

async function stored(
  sides: Sides,
  ranges: readonly KeyRange[],
): Promise<readonly [readonly RowsProof[], readonly RowsProof[]]> {
  const [a, b] = await Promise.all(sides.map(({ sink }) => sink.stored(ranges)))
  if (a === null || a === undefined || b === null || b === undefined)
    throw cannot(...sides, 'the sink of one has no column that tells which rows are the run’s')
  return [a, b]
}

interface Compared extends Omit<RangeDifference, 'range'> {
  readonly range: KeyRange & { readonly kind: NumberedKind }
}

/** Level by level, so that all ranges of a level are asked for at once. */
async function narrow(
  sides: Sides,
  found: readonly Compared[],
  named: RangeDifference[],
  signal: AbortSignal,
): Promise<void> {
  for (let wide = found; wide.length > 0 && named.length < mostNamed; ) {
    signal.throwIfAborted()
    const cuts = wide.slice(0, mostNamed).flatMap(({ range }) => cutRange(range))
    const [a, b] = await stored(sides, cuts)
    const differing = cuts
      .map((range, at): Compared => ({ range, first: a[at] ?? nothing, second: b[at] ?? nothing }))
      .filter((compared) => !isSame(compared))
    named.push(...differing.filter(({ range }) => isSingle(range)))
    wide = differing.filter(({ range }) => !isSingle(range))
  }
}

function cutRange({ kind, from, to }: Compared['range']): Compared['range'][] {
  const [first, end] = [boundValue(kind, from), boundValue(kind, to)]
  const width = (end - first + BigInt(pieces) - 1n) / BigInt(pieces)
  const step = width > cutUnits[kind] ? width - (width % cutUnits[kind]) : cutUnits[kind]
  const cuts: Compared['range'][] = []
  for (let at = first; at < end; at += step)
    cuts.push({ kind, from: boundText(kind, at), to: boundText(kind, at + step < end ? at + step : end) })
  return cuts
}

const isSingle = ({ kind, from, to }: Compared['range']): boolean =>
  boundValue(kind, to) - boundValue(kind, from) <= cutUnits[kind]

const nothing: RowsProof = { rows: 0, contentHash: '0' }
const isSame = ({ first, second }: Compared): boolean =>
  first.rows === second.rows && first.contentHash === second.contentHash

const cannot = (first: RunSide, second: RunSide, why: string): TerminalError =>
  new TerminalError('PARAMS_INVALID', `runs ${first.run.id} and ${second.run.id} cannot be compared: ${why}`)
