import { isUtf8 } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { TerminalError } from '../contract/errors.ts'
import type { RecordSpan, Records } from '../files/record-reader.ts'

/** What files begin with that are no UTF-8. */
const others = [
  { bytes: [0xff, 0xfe], what: 'UTF-16', remedy: 'convert it to UTF-8' },
  { bytes: [0xfe, 0xff], what: 'UTF-16', remedy: 'convert it to UTF-8' },
  { bytes: [0x1f, 0x8b], what: 'compressed by gzip', remedy: 'unpack it, or its middle cannot be read' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], what: 'compressed by zstd', remedy: 'unpack it, or its middle cannot be read' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], what: 'a zip file', remedy: 'unpack it' },
] as const
const mark = [0xef, 0xbb, 0xbf]

/** Where the text of a file begins: after the mark of UTF-8, where there is one. Throws TerminalError (SOURCE_NOT_READABLE) when it is no text. */
export async function encodingOf(handle: FileHandle, path: string): Promise<number> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0)
  const begins = (bytes: readonly number[]): boolean =>
    bytes.length <= bytesRead && bytes.every((byte, at) => buffer[at] === byte)
  const other = others.find(({ bytes }) => begins(bytes))
  if (other !== undefined)
    throw new TerminalError('SOURCE_NOT_READABLE', `${path} is ${other.what}, not text in UTF-8: ${other.remedy}`)
  return begins(mark) ? mark.length : 0
}

/** Tells the texts of records; null for one that is no UTF-8: a replacement character would change the value. */
export function validText({ bytes, spans }: Records): (span: RecordSpan) => string | null {
  const areAllValid = isUtf8(bytes.subarray(spans[0]?.start ?? 0, spans.at(-1)?.end ?? 0))
  return ({ start, end }) =>
    areAllValid || isUtf8(bytes.subarray(start, end)) ? bytes.toString('utf8', start, end) : null
}
