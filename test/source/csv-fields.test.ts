import { fc, test } from '@fast-check/vitest'
import { parse } from 'csv-parse/sync'
import { expect } from 'vitest'
import { type RecordRule, RecordScan } from '../../src/files/record-scan.ts'
import { csvFields } from '../../src/source/csv-fields.ts'

const rule: RecordRule = { quoting: { quote: 34, delimiter: 44, spansLines: true } }
const records = fc
  .array(fc.constantFrom('"', '""', '","', ',', '\n', '\r\n', '\r', 'a', '€', ' '), { maxLength: 24 })
  .map((parts) => Buffer.from(parts.join('')))

test.prop([records], { numRuns: 20_000 })(
  'gives the fields that csv-parse gives, and the same records',
  (bytes) => {
    const scan = new RecordScan(rule)
    let at = 0
    for (; at < bytes.length; at = scan.next) {
      scan.look(bytes, at, true)
      const { end, next, isQuoted, isOpen, problem } = scan
      if (end === at) continue
      const options = { record_delimiter: ['\r\n', '\n'], relax_column_count: true }
      const theirs = (): unknown =>
        parse(bytes.subarray(at, next), {
          ...options,
          cast: (text, { quoting }) => (text === '' && !quoting ? null : text),
        })
      // What they cannot read, we say is wrong.
      if (isOpen || problem !== null) {
        expect(theirs).toThrow(/Quote/)
        continue
      }
      const span = { start: at, end, position: at, isQuoted, problem }
      const fieldsOf = csvFields({ bytes, spans: [span] }, { delimiter: ',', quote: '"' })
      expect([fieldsOf(span)]).toEqual(theirs())
    }
  },
  60_000,
)
