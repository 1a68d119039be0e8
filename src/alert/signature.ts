import { createHmac } from 'node:crypto'

/**
 * What proves that a delivery is ours and when it was made: HMAC-SHA256 over `TIMESTAMP.BODY`, in hexadecimal digits. The
 * timestamp is in whole seconds since 1970, so that an old delivery that somebody recorded can be told from a new one.
 */
export const signatureOf = (secret: string, timestamp: number, body: string): string =>
  createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')

/** As the header carries both: `t=1700000000,v1=5257a8…`. */
export const signatureHeader = (secret: string, timestamp: number, body: string): string =>
  `t=${timestamp},v1=${signatureOf(secret, timestamp, body)}`
