import type { RebuiltLedger } from '../compose.ts'
import { offsetsText } from '../ledger/as-of.ts'
import { countText } from './run/progress-text.ts'

/** rebuilding: 12,000 of 48,000 records, 25 % */
export const rebuildingText = (records: number, of: number): string =>
  `rebuilding: ${countText(records)} of ${countText(of)} records, ${of === 0 ? 100 : Math.floor((100 * records) / of)} %`

/** What was rebuilt, for a person. */
export function rebuiltText(schema: string, rebuilt: RebuiltLedger): string {
  const { topic, ranges, records, refused, firstRefused, ledger } = rebuilt
  const facts: [string, string][] = [
    ['ledger', `schema "${schema}", as of ${offsetsText(ranges)}`],
    ['events', `${countText(records - refused)} of ${topic}, ${countText(factsOf(rebuilt))} of them distinct`],
    ...tablesOf(rebuilt),
    ['hash', ledger.hash],
    ['live', liveText(rebuilt)],
  ]
  const cut = ranges.filter(({ from }) => from > 0n)
  if (cut.length > 0)
    facts.push([
      'removed',
      `by retention, of topic partition ${cut.map(({ topicPartition, from }) => `${topicPartition} the offsets below ${from}`).join(', ')}`,
    ])
  if (refused > 0)
    facts.push(['no events', `${countText(refused)} records${refused > firstRefused.length ? ', the first:' : ':'}`])
  const lines = facts.map(([name, text]) => `${name.padEnd(12)} ${text}`)
  for (const { topicPartition, offset, reason } of firstRefused) lines.push(`  ${topicPartition}:${offset} ${reason}`)
  return lines.join('\n')
}

function tablesOf({ ledger }: RebuiltLedger): [string, string][] {
  const rows = Object.entries(ledger.tables)
    .filter(([table]) => table !== history)
    .map(([table, { rows }]) => `${table} ${countText(rows)}`)
  return [['rows', rows.join(', ')]]
}

const history = 'ledger_history'
/** Facts that were told, each counted once. */
const factsOf = ({ ledger }: RebuiltLedger): number => ledger.tables[history]?.rows ?? 0

function liveText({ ranges, live }: RebuiltLedger): string {
  if (live.equal === null) return `not compared: ${live.why}`
  const where = live.asOf === offsetsText(ranges) ? '' : ` as of ${live.asOf}, where it stood when this began`
  return live.equal ? `equal${where}` : `differs${where}: ${live.hash}`
}

/** The same as JSON: offsets as text, for they may have any size. */
export function rebuiltJson(schema: string, rebuilt: RebuiltLedger): object {
  const { topic, ranges, records, refused, firstRefused, ledger, live } = rebuilt
  return {
    schema,
    topic,
    asOf: offsetsText(ranges),
    topicPartitions: ranges.map(({ topicPartition, from, to }) => ({ topicPartition, from: `${from}`, to: `${to}` })),
    ...{ events: records - refused, facts: factsOf(rebuilt), refused, firstRefused },
    ...{ hash: ledger.hash, tables: ledger.tables },
    live,
  }
}
