import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from '@commander-js/extra-typings'
import { messageOf, TerminalError } from '../contract/errors.ts'
import type { Certificate, SealedCertificate } from '../contract/run-certificate.ts'
import { readConfig } from '../process/config.ts'
import { createClientLog } from './client-log.ts'
import type { CommandContext } from './context.ts'
import { withRunningSystem } from './dev-folder.ts'
import { EndedWith, exitCodes } from './exit-code.ts'
import { parseNames } from './parse-options.ts'
import { parseRunId } from './watch.ts'

interface CertifyOptions {
  readonly source?: true | undefined
  readonly with?: string | undefined
  readonly tables?: readonly string[] | undefined
  readonly key?: readonly string[] | undefined
  readonly columns?: readonly string[] | undefined
  readonly databases?: readonly string[] | undefined
  readonly definitions?: string | undefined
}

/** `tidemark certify`: what a run sent against what stands in its sink, or one table against another, as a document. */
export function addCertify(program: Command, context: CommandContext): void {
  program
    .command('certify')
    .description('prove that a run stands in its sink as it was sent, or that two tables are equal; name what differs')
    .argument('[run]', 'id of the run')
    .option('--source', 'read and transform all rows again, and compare what the source gives too')
    .option('--with <run>', 'compare what stands of the run with what stands of another one')
    .option('--tables <first,second>', 'instead of a run, two tables as schema.table', parseNames)
    .option('--key <columns>', 'with --tables: columns that find a row', parseNames)
    .option('--columns <names>', 'with --tables: columns that matter (default: all that both have)', parseNames)
    .option(
      '--databases <names>',
      'with --tables: environment variables with the connection strings (default: DATABASE_URL for both)',
      parseNames,
    )
    .option('--definitions <folder>', 'folder of the definition files (default: $TIDEMARK_DEFINITIONS or ./backfills)')
    .option('--sign-with <file>', 'private key that signs the certificate: Ed25519, in PEM')
    .option('--out <file>', 'write the certificate to a file, for "tidemark verify"')
    .option('--json', 'the certificate as one JSON document on stdout')
    .action(async (run, { signWith, out, json, ...options }) => {
      const signal = context.stopSignal()
      const [{ sealed, signingKey }, { certificateText }] = await Promise.all([
        import('../certify/seal.ts'),
        import('./certificate-text.ts'),
      ])
      const key = signWith === undefined ? null : signingKey(readText(context, signWith))
      const certificate = await certificateFor(context, run, options, signal)
      const document = sealed(certificate, key)
      if (out !== undefined) writeFileSync(resolve(context.cwd, out), `${JSON.stringify(document, null, 2)}\n`)
      if (json) context.output.json(document)
      else context.output.data(certificateText(document))
      throwUnlessEqual(document)
    })
}

async function certificateFor(
  context: CommandContext,
  run: string | undefined,
  { source, with: other, tables, key, columns, databases, definitions }: CertifyOptions,
  signal: AbortSignal,
): Promise<Certificate> {
  const config = readConfig({
    // Nothing is asked of a broker; the configuration as a whole wants one named.
    KAFKA_BROKERS: 'localhost:9092',
    ...withRunningSystem(context.env, context.cwd, ['DATABASE_URL']),
    ...(definitions === undefined ? {} : { TIDEMARK_DEFINITIONS: resolve(context.cwd, definitions) }),
  })
  const log = await createClientLog(context.env, config)
  const { certificateOf, runsCertificateOf, tablesCertificateOf } = await import('../compose.ts')
  if (tables === undefined) {
    if (run === undefined)
      throw new TerminalError('PARAMS_INVALID', 'name a run ("tidemark status" lists them), or give --tables and --key')
    const runId = parseRunId(run)
    return other === undefined
      ? certificateOf(config, { runId, withSource: source === true }, log, signal)
      : runsCertificateOf(config, [runId, parseRunId(other)], log, signal)
  }
  const [first, second, ...more] = tables
  if (run !== undefined) throw new TerminalError('PARAMS_INVALID', `give a run or --tables, not both: got run ${run}`)
  if (first === undefined || second === undefined || more.length > 0)
    throw new TerminalError('PARAMS_INVALID', `--tables ${tables.join(',')}: two names are right`)
  if (key === undefined) throw new TerminalError('PARAMS_INVALID', '--tables wants --key, the columns that find a row')
  const [one = 'DATABASE_URL', another = one] = databases ?? []
  return tablesCertificateOf(
    config,
    {
      ...{ key, columns: columns ?? null },
      first: { table: first, database: one },
      second: { table: second, database: another },
    },
    log,
    signal,
  )
}

/** Throws TerminalError (CONFIG_INVALID). */
export function readText({ cwd }: Pick<CommandContext, 'cwd'>, file: string): string {
  try {
    return readFileSync(resolve(cwd, file), 'utf8')
  } catch (error) {
    throw new TerminalError('CONFIG_INVALID', `${file} cannot be read: ${messageOf(error)}`)
  }
}

/** Throws EndedWith (checkFailed) for a certificate that does not say that everything is there, as it was sent. */
export function throwUnlessEqual({ certificate }: SealedCertificate): void {
  const { verdict } = certificate
  if (verdict === 'equal' || verdict === 'sent only' || verdict === 'overwritten') return
  throw new EndedWith(exitCodes.checkFailed, whyNot(certificate))
}

function whyNot(certificate: Certificate): string {
  switch (certificate.certifies) {
    case 'tables':
      return `the tables differ in ${countOf(certificate.rows)} rows`
    case 'runs':
      return `the runs differ at ${countOf(certificate.ranges)} keys`
    case 'run': {
      const { verdict, differingPartitions, partitions, run, coverageFlaws } = certificate
      return verdict === 'different'
        ? `${differingPartitions} of ${partitions.total} partitions do not hold what was sent`
        : `run ${run.id} does not cover its plan: ${coverageFlaws} gaps, overlaps or broken chains`
    }
  }
}

/** Lists end at a hundred. */
const countOf = ({ length }: readonly unknown[]): string => (length < 100 ? String(length) : '100 or more')
