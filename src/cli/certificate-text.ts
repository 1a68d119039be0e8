import type {
  Certificate,
  CoverageFlaw,
  PartitionDifference,
  RangeDifference,
  RowDifference,
  RowsProof,
  RunCertificate,
  RunsCertificate,
  SealedCertificate,
  TablesCertificate,
} from '../contract/run-certificate.ts'
import { countText } from './run/progress-text.ts'

/** A certificate as a person reads it. */
export function certificateText({ certificate, digest, signature }: SealedCertificate): string {
  const lines = [
    ...factsOf(certificate),
    ['verdict', certificate.verdict.toUpperCase()] as const,
    ['digest', `${digest}${signature === null ? ', not signed' : ', signed'}`] as const,
  ].map(([name, text]) => `${name.padEnd(12)} ${text}`)
  const details = detailsOf(certificate)
  return [...lines, ...(details.length === 0 ? [] : ['', ...details])].join('\n')
}

type Fact = readonly [string, string]

function factsOf(certificate: Certificate): Fact[] {
  switch (certificate.certifies) {
    case 'run':
      return runFacts(certificate)
    case 'runs':
      return runsFacts(certificate)
    case 'tables':
      return tableFacts(certificate)
  }
}

function detailsOf(certificate: Certificate): string[] {
  switch (certificate.certifies) {
    case 'run':
      return [...certificate.flaws.map(flawText), ...certificate.differences.flatMap(partitionLines)]
    case 'runs':
      return certificate.ranges.map(rangeText)
    case 'tables':
      return certificate.rows.map((row) => rowText(row, 'first', 'second'))
  }
}

function runFacts(certificate: RunCertificate): Fact[] {
  const { run, target, partitions, sent, stored, compared, source, coverageFlaws, differingPartitions } = certificate
  const superseded =
    partitions.superseded === 0
      ? ''
      : `, ${countText(partitions.superseded)} overwritten by later runs and not compared`
  return [
    ['run', `${run.id} of ${run.backfill}: ${run.state}`],
    ['target', target.name],
    ['columns', certificate.columns.map(({ name, type }) => `${name} ${type}`).join(', ')],
    ['sent', proofText(sent)],
    [
      'stored',
      stored === null
        ? 'not known: the sink has no column that tells which rows are the run’s'
        : `${proofText(stored)}${isSame(stored, compared) ? ' (equal)' : ` (NOT EQUAL to ${proofText(compared)})`}`,
    ],
    ...(source === null
      ? []
      : [['source', `${proofText(source)}${isSame(source, compared) ? ' (equal)' : ' (NOT EQUAL)'}`] as const]),
    [
      'partitions',
      `${countText(partitions.total)}: ${countText(partitions.completed)} completed, ${countText(partitions.failed)} failed, ` +
        `${countText(partitions.cancelled)} cancelled, ${countText(partitions.unfinished)} unfinished; ` +
        `${countText(differingPartitions)} differ${superseded}`,
    ],
    ['coverage', coverageFlaws === 0 ? 'the completed partitions tile the plan' : `${countText(coverageFlaws)} flaws`],
  ]
}

const runsFacts = ({ runs, targets, columns, range, first, second }: RunsCertificate): Fact[] => [
  ['first', `${runs[0]} in ${targets[0]}: ${proofText(first)}`],
  ['second', `${runs[1]} in ${targets[1]}: ${proofText(second)}`],
  ['range', `from ${range.from} to before ${range.to}`],
  ['columns', columns.map(({ name, type }) => `${name} ${type}`).join(', ')],
]

const rangeText = ({ range, first, second }: RangeDifference): string =>
  `${range.from}: ${countText(first.rows)} rows in the first, ${countText(second.rows)} in the second` +
  (first.rows === second.rows ? ', with other values' : '')

const tableFacts = ({ tables, columns, key, first, second }: TablesCertificate): Fact[] => [
  ['first', `${tables[0]}: ${proofText(first)}`],
  ['second', `${tables[1]}: ${proofText(second)}`],
  ['columns', columns.join(', ')],
  ['key', key.join(', ')],
]

const proofText = ({ rows, contentHash }: RowsProof): string => `${countText(rows)} rows, hash ${contentHash}`
const isSame = (a: RowsProof, b: RowsProof): boolean => a.rows === b.rows && a.contentHash === b.contentHash

export function flawText({ what, from, to, why, neighbours }: CoverageFlaw): string {
  const [before, after] = neighbours
  if (what === 'broken chain') return `partition ${before}, from ${from} to before ${to}: ${why}`
  if (what === 'overlap') return `overlap from ${from} to before ${to}: partitions ${before} and ${after} have it`
  const named = [
    ...(before === null ? [] : [`after partition ${before}`]),
    ...(after === null ? [] : [`before partition ${after}`]),
  ]
  return `gap from ${from} to before ${to}: ${why}${named.length === 0 ? '' : ` (${named.join(', ')})`}`
}

function partitionLines({ index, range, sent, stored, rows, note }: PartitionDifference): string[] {
  const counts =
    sent.rows === stored.rows
      ? `${countText(sent.rows)} rows were sent and are there, and they are not the same`
      : `${countText(sent.rows)} rows were sent, ${countText(stored.rows)} are there`
  return [
    `partition ${index}, from ${range.from} to before ${range.to}: ${counts}`,
    ...rows.map((row) => `  ${rowText(row, 'sent', 'stored')}`),
    ...(note === null ? [] : [`  ${note}`]),
  ]
}

function rowText({ what, key, columns }: RowDifference, sent: string, stored: string): string {
  const named = Object.entries(key)
    .map(([name, value]) => `${name} ${value ?? 'null'}`)
    .join(', ')
  const values = columns.map((column) =>
    column.sent === undefined
      ? `${column.name} (redacted)`
      : `${column.name} ${sent} ${column.sent ?? 'null'}, ${stored} ${column.stored ?? 'null'}`,
  )
  return `${what.padEnd(7)} ${named}${values.length === 0 ? '' : `: ${values.join('; ')}`}`
}
