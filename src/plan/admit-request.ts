import { RequestKey } from '../contract/ids.ts'
import { RequestMessage } from '../contract/request.ts'
import { issueLines } from './issue-lines.ts'

export type ReadRequest =
  | { readonly kind: 'request'; readonly request: RequestMessage }
  | { readonly kind: 'invalid'; readonly requestKey: RequestKey | null; readonly reasons: readonly string[] }

/** A request message, or every way in which it is none. */
export function readRequest(json: unknown): ReadRequest {
  const unstorable = [...unstorableTexts(json, '')]
  if (unstorable.length > 0) return { kind: 'invalid', requestKey: null, reasons: unstorable }
  const parsed = RequestMessage.safeParse(json)
  if (parsed.success) return { kind: 'request', request: parsed.data }
  return { kind: 'invalid', requestKey: requestKeyOf(json), reasons: issueLines(parsed.error, json, '') }
}

/** The key, when at least that can be read: the sender looks for the answer by it. */
function requestKeyOf(json: unknown): RequestKey | null {
  if (typeof json !== 'object' || json === null || !('requestKey' in json)) return null
  const key = RequestKey.safeParse(json.requestKey)
  return key.success ? key.data : null
}

/** Texts and numbers that JSON can carry and Postgres cannot keep: with one of them the planner would fail for ever. */
function* unstorableTexts(json: unknown, path: string): Generator<string> {
  const where = path === '' ? 'the request' : path
  if (typeof json === 'string' && (json.includes('\0') || !json.isWellFormed()))
    yield `${where} has a character that cannot be stored (U+0000, or half of a surrogate pair): leave it out`
  else if (typeof json === 'number' && !Number.isFinite(json))
    yield `${where} is a number too large for JSON: send it as a string`
  else if (typeof json === 'object' && json !== null)
    for (const [name, value] of Object.entries(json)) {
      yield* unstorableTexts(name, where)
      yield* unstorableTexts(value, path === '' ? name : `${path}.${name}`)
    }
}
