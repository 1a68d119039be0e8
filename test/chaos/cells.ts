import { type MarkName, markNames } from '../../src/process/marks.ts'
import type { ServerEnd } from './bench-stack.ts'
import type { ClockError } from './happen-clock.ts'
import type { Harm } from './harm.ts'

export type Fault = 'cut' | 'stall' | 'delay' | 'cutAtCommit'

/** Who coordinates the group of the workers, or leads some of its lanes and does not coordinate it. */
export type LostBroker = 'coordinator' | 'leader'

export type Happening =
  /** The process that passes the mark kills or freezes itself, or ends of a rejection that nobody handles. */
  | { readonly kind: 'kill' | 'rejection'; readonly comesBack: boolean }
  | { readonly kind: 'freeze' }
  /** While the process stands at the mark, another worker joins the group. */
  | { readonly kind: 'rebalance' }
  /** While it stands there, the connections to one of the servers are hurt. */
  | { readonly kind: 'fault'; readonly fault: Fault; readonly server: 'kafka' | 'postgres' }
  | { readonly kind: 'restart'; readonly how: ServerEnd; readonly server: 'kafka' | 'postgres' }
  /** Tasks come again, in the same or another topic partition, or when the run is over; or something that is no task. */
  | { readonly kind: 'message'; readonly what: 'sameAgain' | 'elsewhereAgain' | 'garbage' | 'late' }
  /**
   * A worker is frozen for longer than its lease, while the task it holds comes again elsewhere. With its own bounds: a
   * copy takes it over while the session lasts, so that the worker keeps its lanes. With others: copies are refused, and
   * the end of the session gives the task to somebody else.
   */
  | { readonly kind: 'lapse'; readonly bounds: 'same' | 'other' }
  /** While it stands there, the run is cancelled, and swept in the sink, as far as no transaction is open. */
  | { readonly kind: 'cancel' }
  /** In its middle the run is paused and later resumed, or cancelled, and the process that passes the mark hurts itself. */
  | { readonly kind: 'intent'; readonly intent: 'pause' | 'cancel' }
  /** In its middle the run is paused and resumed, and then all that the control topic ever said comes again, last first. */
  | { readonly kind: 'oldIntents' }
  /** The sink goes back to an older state, as a database does that fails over to a copy that lags. */
  | { readonly kind: 'failover' }
  /** The wall clock of the process is minutes wrong, or is set in the middle of the run. */
  | { readonly kind: 'clock'; readonly how: ClockError }
  /** One of three brokers is killed, and comes back when the others have gone on without it. */
  | { readonly kind: 'broker'; readonly which: LostBroker }

/** What has to be lost before the mark can be passed. */
export type Loss = 'tasks' | 'events'

export interface Cell {
  readonly id: string
  readonly harm: Harm | null
  readonly happening: Happening
  readonly loss?: Loss
  /** Of more tasks than are published at once. */
  readonly isWide?: boolean
  /** The sink refuses some rows. */
  readonly refuses?: boolean
}

const at = (mark: MarkName, nth: number, act: Harm['act']): Harm => ({ mark, nth, act })

/** Passings at which a mark hurts: the first, and one in the middle where there are many. */
const passings: Partial<Record<MarkName, readonly number[]>> = {
  W0: [1],
  W1: [1, 3],
  W2: [1, 9],
  W3: [1, 9],
  W4: [1, 9],
  W5: [1, 9],
  W6: [1, 9],
  W7: [1, 9],
  W8: [1, 2],
  W9: [1, 2],
  W11: [2],
  W18: [1, 5],
  L1: [1, 4],
  L2: [1, 4],
}

const lossFor: Partial<Record<MarkName, Loss>> = { Q1: 'events', Q2: 'tasks' }

/** Passed when a part of the pages is written and a part is not. */
const wideFor: ReadonlySet<MarkName> = new Set(['R5', 'C2'])

/** What is to be asked in the middle of the run, or the mark is not passed. */
const intentsFor: Partial<Record<MarkName, readonly ('pause' | 'cancel')[]>> = {
  C1: ['pause', 'cancel'],
  C2: ['cancel'],
  C3: ['cancel'],
  C4: ['cancel'],
  P1: ['pause', 'cancel'],
  P2: ['pause', 'cancel'],
}

const marks = (Object.keys(markNames) as MarkName[]).filter((mark) => intentsFor[mark] === undefined)

function cell(id: string, harm: Harm | null, happening: Happening): Cell {
  const loss = harm === null ? undefined : lossFor[harm.mark]
  return {
    ...{ id, harm, happening },
    ...(loss === undefined ? {} : { loss }),
    ...(harm !== null && wideFor.has(harm.mark) ? { isWide: true } : {}),
    ...(harm?.mark === 'W18' ? { refuses: true } : {}),
  }
}

const kills = marks.flatMap((mark) =>
  (passings[mark] ?? [1]).map((nth) =>
    cell(`kill/${mark}/${nth}`, at(mark, nth, 'kill'), { kind: 'kill', comesBack: true }),
  ),
)
/** Nobody starts the worker again: another one takes over when its session has ended. */
const losses = (['W2', 'W4', 'W5', 'W6', 'W9', 'W10'] as const).map((mark) =>
  cell(`gone/${mark}`, at(mark, 1, 'kill'), { kind: 'kill', comesBack: false }),
)
const freezes = marks
  .filter((mark) => mark !== 'R0')
  .map((mark) => cell(`freeze/${mark}`, at(mark, passings[mark]?.at(-1) ?? 1, 'freeze'), { kind: 'freeze' }))
const rejections = (['W2', 'W4', 'W6'] as const).map((mark) =>
  cell(`rejection/${mark}`, at(mark, 2, 'reject'), { kind: 'rejection', comesBack: true }),
)
const rebalances = (['W2', 'W3', 'W4', 'W5'] as const).map((mark) =>
  cell(`rebalance/${mark}`, at(mark, 2, 'hold'), { kind: 'rebalance' }),
)
const positions = ['W1', 'W3', 'W4', 'W6', 'W9'] as const
const faults = (['kafka', 'postgres'] as const).flatMap((server) =>
  (['cut', 'stall', 'delay'] as const).flatMap((fault) =>
    positions.map((mark) => cell(`${fault}/${server}/${mark}`, at(mark, 2, 'hold'), { kind: 'fault', fault, server })),
  ),
)
const cutsAtCommit = ([1, 2, 9] as const).map((nth) =>
  cell(`cutAtCommit/postgres/${nth}`, at('W4', nth, 'hold'), {
    ...{ kind: 'fault', fault: 'cutAtCommit', server: 'postgres' },
  }),
)
const restarts = (
  [
    ['postgres', 'immediate'],
    ['kafka', 'immediate'],
    ['kafka', 'clean'],
  ] as const
).flatMap(([server, how]) =>
  (['W4', 'W6'] as const).map((mark) =>
    cell(`restart/${server}/${how}/${mark}`, at(mark, 2, 'hold'), { kind: 'restart', how, server }),
  ),
)
const brokers = (['coordinator', 'leader'] as const).flatMap((which) =>
  (['W4', 'W6', 'W9'] as const).map((mark) =>
    cell(`broker/${which}/${mark}`, at(mark, 2, 'hold'), { kind: 'broker', which }),
  ),
)
const clocks = [
  ...(['ahead', 'behind', 'forth', 'back', 'swing'] as const).map((how) =>
    cell(`clock/worker/${how}`, at('W4', 2, 'hold'), { kind: 'clock', how }),
  ),
  cell('clock/worker/nextLife', at('W4', 2, 'kill'), { kind: 'clock', how: 'nextLife' }),
  cell('clock/supervisor/back', at('Q2', 1, 'hold'), { kind: 'clock', how: 'back' }),
]
const messages = (['sameAgain', 'elsewhereAgain', 'garbage', 'late'] as const).map((what) =>
  cell(`message/${what}`, at('W2', 2, 'hold'), { kind: 'message', what }),
)
const lapses = (['same', 'other'] as const).map((bounds) =>
  cell(`lapse/${bounds}`, at('W2', 1, 'freeze'), { kind: 'lapse', bounds }),
)
const cancels = (['W1', 'W2', 'W4', 'W6', 'W8'] as const).map((mark) =>
  cell(`cancel/${mark}`, at(mark, mark === 'W8' ? 1 : 3, 'hold'), { kind: 'cancel' }),
)
const intents = (['kill', 'freeze'] as const).flatMap((act) =>
  (Object.keys(intentsFor) as MarkName[]).flatMap((mark) =>
    (intentsFor[mark] ?? []).map((intent) =>
      cell(`${act}/${mark}/${intent}`, at(mark, 1, act), { kind: 'intent', intent }),
    ),
  ),
)
const oldIntents = cell('message/oldIntents', null, { kind: 'oldIntents' })
const failover = cell('failover/sink', null, { kind: 'failover' })

export const cells: readonly Cell[] = [
  ...kills,
  ...losses,
  ...freezes,
  ...rejections,
  ...rebalances,
  ...faults,
  ...cutsAtCommit,
  ...messages,
  ...lapses,
  ...cancels,
  ...intents,
  oldIntents,
  failover,
  ...clocks,
  ...restarts,
  ...brokers,
]

/** Whether a cell takes three brokers; the others are hurt with one. */
export const needsCluster = ({ happening }: Cell): boolean => happening.kind === 'broker'

/** Cells whose id begins with one of these, or all of them. */
export const cellsOf = (only: readonly string[]): readonly Cell[] =>
  only.length === 0
    ? cells
    : cells.filter(({ id }) =>
        only.some((wanted) => id === wanted || id.startsWith(wanted.endsWith('/') ? wanted : `${wanted}/`)),
      )
