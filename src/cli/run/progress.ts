import { styleText } from 'node:util'
import cliProgress from 'cli-progress'
import type { RunProgress } from '../../status/fold-run.ts'
import { runLine, runText, workerText } from './progress-text.ts'
import { ratePerSecond, type Sample, timeLeftMs, withSample } from './rate.ts'

const barEveryMs = 250
const lineEveryMs = 2_000

/** Shows a run while it works, on stderr: bars on a terminal, a plain line every two seconds elsewhere. */
export interface ProgressView {
  /** Draws from now on. `look` gives the newest progress, undefined while there is none. */
  start(look: () => RunProgress | undefined): void
  /** Says something without tearing a bar apart. */
  note(text: string): void
  stop(): void
}

export function createProgressView(stderr: NodeJS.WriteStream, nowMs: () => number): ProgressView {
  const pane = stderr.isTTY ? createBars(stderr) : createLines(stderr)
  const samples = new Map<string, readonly Sample[]>()
  const rate = (name: string, rows: number): number | null => {
    const recent = withSample(samples.get(name) ?? [], { atMs: nowMs(), rows })
    samples.set(name, recent)
    return ratePerSecond(recent)
  }
  let timer: NodeJS.Timeout | undefined
  let drawn = () => {}
  return {
    start(look) {
      drawn = () => {
        const run = look()
        if (run === undefined) return
        const runRate = rate('', run.totals.rowsRead)
        pane.draw(
          run,
          runRate,
          timeLeftMs(run.totals.rowsRead, run.estimatedRows, runRate),
          new Map(run.workers.map(({ worker, rowsRead }) => [worker, rate(worker, rowsRead)])),
        )
      }
      timer = setInterval(drawn, pane.everyMs)
    },
    note: (text) => pane.note(text),
    stop() {
      if (timer === undefined) return
      clearInterval(timer)
      timer = undefined
      drawn()
      pane.stop()
    },
  }
}

interface Pane {
  readonly everyMs: number
  draw(run: RunProgress, rate: number | null, leftMs: number | null, rates: ReadonlyMap<string, number | null>): void
  note(text: string): void
  stop(): void
}

function createLines(stderr: NodeJS.WriteStream): Pane {
  return {
    everyMs: lineEveryMs,
    draw: (run, rate, leftMs) => void stderr.write(`${runLine(run, rate, leftMs)}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    stop: () => {},
  }
}

function createBars(stderr: NodeJS.WriteStream): Pane {
  const paint = (text: string): string => styleText('cyan', text, { stream: stderr })
  const bars = new cliProgress.MultiBar(
    {
      stream: stderr,
      format: ` {name} ${paint('{bar}')} {percentage}% {text}`,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 24,
      emptyOnZero: true,
      // Signals are answered in one place only, and not here.
      gracefulExit: false,
    },
    cliProgress.Presets.shades_classic,
  )
  const byName = new Map<string, cliProgress.SingleBar>()
  const set = (name: string, value: number, total: number, text: string): void => {
    const payload = { name: name.padEnd(10), text }
    const bar = byName.get(name) ?? bars.create(total, value, payload)
    byName.set(name, bar)
    bar.setTotal(total)
    bar.update(value, payload)
  }
  return {
    everyMs: barEveryMs,
    draw(run, rate, leftMs, rates) {
      const all = Math.max(run.estimatedRows ?? run.totals.rowsRead, run.totals.rowsRead)
      const text = runText(run, rate, leftMs)
      set('run', run.totals.rowsRead, all, text)
      // A worker's bar is its share of the rows: full bars of all workers together are the run's.
      for (const worker of run.workers)
        set(worker.worker, worker.rowsRead, all, workerText(worker, rates.get(worker.worker) ?? null))
    },
    note: (text) => bars.log(`${text}\n`),
    stop: () => bars.stop(),
  }
}
