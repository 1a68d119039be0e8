import { fc, test } from '@fast-check/vitest'
import { expect } from 'vitest'
import { commitReader } from './commit-reader.ts'

const framed = (type: string, body: string): Buffer => {
  const bytes = Buffer.from(`${body}\0`)
  const head = Buffer.alloc(type.length + 4)
  head.write(type)
  head.writeInt32BE(bytes.length + 4, type.length)
  return Buffer.concat([head, bytes])
}

const message = fc.oneof(
  fc.constantFrom('commit', 'COMMIT;').map((text) => ({ bytes: framed('Q', text), commits: 1 })),
  fc.constantFrom('begin', 'rollback', 'select 1').map((text) => ({ bytes: framed('Q', text), commits: 0 })),
  // Rows of a COPY may say anything.
  fc.constantFrom('commit', 'Q').map((text) => ({ bytes: framed('d', text), commits: 0 })),
)

test.prop([fc.array(message), fc.array(fc.nat())])(
  'COMMITs are counted however the bytes are cut',
  (messages, cuts) => {
    const read = commitReader()
    let rest = Buffer.concat([framed('', 'user'), ...messages.map(({ bytes }) => bytes)])
    let counted = 0
    for (const cut of cuts) {
      const size = cut % (rest.length + 1)
      counted += read(rest.subarray(0, size))
      rest = rest.subarray(size)
    }
    counted += read(rest)
    expect(counted).toBe(messages.reduce((sum, { commits }) => sum + commits, 0))
  },
)
