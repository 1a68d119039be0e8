import { clearLine, cursorTo } from 'node:readline'

const [drawEveryMs, lineEveryMs] = [200, 2_000]

/** One line that changes on a terminal; elsewhere a plain line every two seconds. */
export interface ProgressLine {
  /** Shows this from now on. */
  show(text: string): void
  /** Shows what was not shown yet, and leaves the line. */
  end(): void
}

export function createProgressLine(stderr: NodeJS.WriteStream, nowMs: () => number): ProgressLine {
  const everyMs = stderr.isTTY ? drawEveryMs : lineEveryMs
  let drawnMs = nowMs()
  let newest: string | undefined
  const draw = (text: string): void => {
    drawnMs = nowMs()
    newest = undefined
    if (!stderr.isTTY) {
      stderr.write(`${text}\n`)
      return
    }
    clearLine(stderr, 0)
    cursorTo(stderr, 0)
    stderr.write(text)
  }
  return {
    show: (text) => {
      newest = text
      if (nowMs() - drawnMs >= everyMs) draw(text)
    },
    end: () => {
      if (newest !== undefined) draw(newest)
      if (stderr.isTTY) stderr.write('\n')
    },
  }
}
