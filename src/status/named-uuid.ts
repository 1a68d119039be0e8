import { hash } from 'node:crypto'

/**
 * The id of a name in a namespace, the same whoever asks (RFC 9562, version 5). The package `uuid` gives the same in
 * four times the time, and one is made for every event told and every event recorded.
 */
export function namedUuid(name: string, namespace: string): string {
  const named = Buffer.concat([Buffer.from(namespace.replaceAll('-', ''), 'hex'), Buffer.from(name)])
  const digest = hash('sha1', named, 'hex')
  const variant = (Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80
  const groups = [digest.slice(0, 8), digest.slice(8, 12), `5${digest.slice(13, 16)}`]
  return [...groups, `${variant.toString(16)}${digest.slice(18, 20)}`, digest.slice(20, 32)].join('-')
}
