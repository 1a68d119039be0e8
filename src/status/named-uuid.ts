import { hash } from 'node:crypto'

/** Where a namespace and a name stand one behind the other; the namespace that stands there. */
const room = Buffer.allocUnsafe(4_096)
let inRoom = ''

/**
 * The id of a name in a namespace, the same whoever asks (RFC 9562, version 5). The package `uuid` gives the same in many
 * times the time, and one is made for every event told and every event recorded.
 */
export function namedUuid(name: string, namespace: string): string {
  if (namespace !== inRoom) {
    room.write(namespace.replaceAll('-', ''), 'hex')
    inRoom = namespace
  }
  const fits = 16 + 3 * name.length <= room.length
  const named = fits
    ? room.subarray(0, 16 + room.write(name, 16))
    : Buffer.concat([room.subarray(0, 16), Buffer.from(name)])
  const digest = hash('sha1', named, 'hex')
  const variant = '89ab'[Number.parseInt(digest.slice(16, 17), 16) & 3]
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-5${digest.slice(13, 16)}-${variant}${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}
