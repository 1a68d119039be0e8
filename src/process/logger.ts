import pino from 'pino'
import type { Config } from './config.ts'
import type { Log } from './log.ts'

export interface LogOptions {
  readonly level: Config['logLevel']
  /** Fields of every line, such as the role. */
  readonly fields?: object
  /** A file that receives the lines instead of stderr. */
  readonly file?: string
}

/** What must never be read in a log, however deep the object it hangs on. */
const secrets = ['password', 'sasl', 'databaseUrl', 'authorization', 'connectionString']

/**
 * A logger that writes JSON lines to stderr (never stdout: that is for data) with ISO times and levels by name; for a
 * person at a terminal it writes readable lines instead, when pino-pretty is installed.
 */
export async function createLog({ level, fields, file }: LogOptions): Promise<Log> {
  const pretty = file === undefined && process.stderr.isTTY ? await openPretty() : undefined
  // Synchronous: the last lines before an exit are the ones that are needed.
  const stream = pretty ?? pino.destination({ dest: file ?? 2, sync: true, mkdir: true })
  const log: Log = pino(
    {
      level,
      base: { pid: process.pid, ...fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, err: pino.stdSerializers.err },
      redact: { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    stream,
  )
  return log
}

/** pino-pretty is for people who develop: a production install has none, and JSON lines do. */
async function openPretty(): Promise<pino.DestinationStream | undefined> {
  try {
    const { default: pretty } = await import('pino-pretty')
    return pretty({ destination: 2, sync: true, ignore: 'pid,hostname' })
  } catch {
    return undefined
  }
}
