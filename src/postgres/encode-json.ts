import { type Column, type Encode, misfit } from './column.ts'
import { writeText } from './encode-text.ts'
import { jsonText, NotJson } from './json-text.ts'
import { hashBytes } from './lookup3.ts'

/** json and jsonb. Hashed as text, on the server as `column::text`: neither type has a hash that both sides could take. */
export function encodeJson(column: Column, binary: boolean): Encode {
  // jsonb travels as its text behind one byte, the version of this form.
  const version = binary ? 1 : 0
  return (out, value) => {
    const begin = out.length
    out.length = begin + version
    const length = writeText(out, textFor(column, value, binary))
    if (binary) {
      out.view.setInt32(begin, length + 1)
      out.view.setUint8(begin + 4, 1)
    }
    hashBytes(out.view, out.length - length, length)
  }
}

function textFor(column: Column, value: unknown, ordered: boolean): string {
  try {
    return jsonText(value, ordered)
  } catch (error) {
    if (error instanceof NotJson) throw misfit(column, value, error.message)
    throw error
  }
}
