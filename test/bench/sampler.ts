// Loaded ahead of a process that is watched: writes down, every five seconds, what it holds on to.
import { appendFileSync } from 'node:fs'
import process from 'node:process'

export interface Sample {
  readonly atMs: number
  readonly rssMb: number
  readonly heapMb: number
  readonly timers: number
}

const everyMs = 5_000
const file = process.env['SAMPLES_FILE']
const mb = (bytes: number): number => Math.round(bytes / 2 ** 20)

if (file !== undefined)
  setInterval(() => {
    const { rss, heapUsed } = process.memoryUsage()
    const sample: Sample = {
      ...{ atMs: Math.round(performance.now()), rssMb: mb(rss), heapMb: mb(heapUsed) },
      timers: process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length,
    }
    appendFileSync(file, `${JSON.stringify(sample)}\n`)
  }, everyMs).unref()
