// The tables of docs/status-events.md.
import { eventSchemas, type JsonSchema, takenApart } from './contract-schemas.ts'
import { eventWords, fieldWordsOf } from './status-words.ts'

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
/** What every event has. */
const common: ReadonlySet<string> = new Set(['version', 'at', 'type'])

/** Every event with when it is told, by whom, and its fields; then every field. */
export function statusTables(): string {
  const fields = new Map<string, { readonly kind: string; readonly words: string; readonly types: string[] }>()
  const events: string[] = []
  for (const [type, schema] of eventSchemas) {
    const { properties = {}, required = [] } = takenApart(schema, '').schema
    const own = Object.entries(properties).filter(([name]) => !common.has(name))
    const { when, by } = eventWords[type]
    const names = own.map(([name]) => `\`${name}\`${required.includes(name) ? '' : '?'}`)
    events.push(row([`\`${type}\``, when, by, names.join(', ')]))
    for (const [name, of] of own) {
      const words = fieldWordsOf(type, name)
      if (words === undefined) throw new Error(`nobody wrote down what field ${name} of ${type} says`)
      const kind = kindOf(of as JsonSchema)
      const known = fields.get(`${name} ${words} ${kind}`)
      if (known === undefined) fields.set(`${name} ${words} ${kind}`, { kind, words, types: [type] })
      else known.types.push(type)
    }
  }
  const fieldRows = [...fields]
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .map(([key, { kind, words, types }]) => {
      const name = key.slice(0, key.indexOf(' '))
      const several = [...fields.keys()].filter((other) => other.startsWith(`${name} `)).length > 1
      const of = several ? ` (${shortList(types)})` : ''
      return row([`\`${name}\`${of}`, kind, words])
    })
  return [
    row(['event', 'when', 'told by', 'fields (?: may be absent)']),
    ...[row(['---', '---', '---', '---']), ...events, ''],
    row(['field', 'is', 'says']),
    ...[row(['---', '---', '---']), ...fieldRows],
  ].join('\n')
}

/** Each kind of event named once: run.paused, .resumed. */
function shortList(types: readonly string[]): string {
  const byKind = Map.groupBy(types, (type) => type.slice(0, type.indexOf('.')))
  return [...byKind.values()]
    .map((of) => of.map((type, at) => (at === 0 ? type : `.${type.split('.')[1]}`)).join(', '))
    .join(', ')
}

const plain: Readonly<Record<string, string>> = { integer: 'whole number', string: 'text', boolean: 'true or false' }

function kindOf(schema: JsonSchema): string {
  const { $ref, anyOf, allOf, type, items, const: one, enum: some } = schema as JsonSchema & { $ref?: string }
  if ($ref !== undefined) return $ref
  if (allOf !== undefined) return kindOf(allOf[0] as JsonSchema)
  if (anyOf !== undefined) return anyOf.map((each) => kindOf(each as JsonSchema)).join(' or ')
  if (one !== undefined) return `\`${JSON.stringify(one)}\``
  if (some !== undefined) return some.map((each) => `\`${String(each)}\``).join(', ')
  if (type === 'array') return `list of ${kindOf(items as JsonSchema)}`
  if (Array.isArray(type)) return type.map((each) => kindOf({ type: each })).join(' or ')
  return plain[String(type)] ?? String(type ?? 'any JSON')
}
