import { once } from 'node:events'
import { from } from 'pg-copy-streams'
import type { CopyBuffer } from './copy-binary.ts'
import type { Client } from './pool.ts'

const partBytes = 1_048_576

/**
 * Sends the rows of a buffer. `sql` is a COPY … FROM STDIN (FORMAT BINARY). Large parts, for each costs a message;
 * waiting for the socket between them keeps its queue short. Throws when the server counted other rows.
 */
export async function copyIn(
  client: Client,
  sql: string,
  buffer: Pick<CopyBuffer, 'rows' | 'finished'>,
): Promise<void> {
  const stream = client.query(from(sql))
  const done = once(stream, 'finish')
  // After a failure the stream has no connection any more, and must not be touched.
  let failed = false
  stream.once('error', () => {
    failed = true
  })
  done.catch(() => {})
  const body = buffer.finished()
  for (let at = 0; at < body.length && !failed; at += partBytes) {
    if (stream.write(body.subarray(at, at + partBytes))) continue
    await Promise.race([once(stream, 'drain'), done])
  }
  if (!failed) stream.end()
  await done
  if (stream.rowCount !== buffer.rows)
    throw new Error(`the server counted ${stream.rowCount} rows of a COPY that carried ${buffer.rows}`)
}
