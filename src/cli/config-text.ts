import Table from 'cli-table3'
import type { EffectiveSetting, Origin } from '../process/effective-settings.ts'
import { linesOf, plain } from './plain-table.ts'

/** A line a setting: its name, its value, and where that comes from. */
export function settingsText(settings: readonly EffectiveSetting[], showOrigin: boolean): string {
  const table = new Table(plain)
  for (const { setting, value, origin } of settings)
    table.push([setting, value ?? '(not set)', ...(showOrigin ? [originText(origin)] : [])])
  return linesOf(table)
}

function originText(origin: Origin | null): string {
  if (origin === null) return ''
  return origin.from === 'environment' ? `environment ${origin.where}` : origin.where
}
