// npm run bench -- NAME [--json]: runs one measurement on servers of its own and prints its figures.
import { parseArgs } from 'node:util'
import { benchFlights } from './flights.ts'
import { benchForecast } from './forecast.ts'
import { benchLedger } from './ledger.ts'
import { benchPause } from './pause.ts'
import { benchPlan } from './plan.ts'
import type { BenchResult } from './result.ts'
import { benchSkew } from './skew.ts'
import { benchSoak } from './soak.ts'
import { benchTasks } from './tasks.ts'

const benches: Readonly<Record<string, (rounds: number) => Promise<readonly BenchResult[]>>> = {
  flights: benchFlights,
  forecast: benchForecast,
  ledger: benchLedger,
  pause: benchPause,
  plan: benchPlan,
  skew: benchSkew,
  soak: benchSoak,
  tasks: benchTasks,
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '3' } },
})
const [name = ''] = positionals
const bench = benches[name]
if (bench === undefined) {
  console.error(`bench "${name}" is not known; there is: ${Object.keys(benches).join(', ')}`)
  process.exit(2)
}
const results = await bench(Number(values.rounds))
if (values.json) console.log(JSON.stringify({ results }))
else
  for (const { name, value, unit, ratioTo } of results)
    console.log(
      `${name.padEnd(44)} ${value.toFixed(unit === 'ratio' ? 2 : 1).padStart(14)} ${unit}${ratioTo === null ? '' : `  (to ${ratioTo})`}`,
    )
