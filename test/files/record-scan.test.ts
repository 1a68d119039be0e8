import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { type RecordRule, RecordScan } from '../../src/files/record-scan.ts'

const rule = (spansLines: boolean): RecordRule => ({ quoting: { quote: 34, delimiter: 44, spansLines } })
const found = (scan: RecordScan) => {
  const { end, next, isQuoted, isOpen, problem } = scan
  return { end, next, isQuoted, isOpen, problem }
}

/** Content and problem of each record. */
function records(text: string, spansLines = true): [string, string | null][] {
  const bytes = Buffer.from(text)
  const scan = new RecordScan(rule(spansLines))
  const all: [string, string | null][] = []
  for (let at = 0; at < bytes.length; at = scan.next) {
    expect(scan.look(bytes, at, true)).toBe(true)
    all.push([bytes.toString('utf8', at, scan.end), scan.problem])
  }
  return all
}

describe('RecordScan', () => {
  it.each([
    ['a,b\nc,d\r\ne', ['a,b', 'c,d', 'e']],
    ['"a\nb",c\r\nd\n', ['"a\nb",c', 'd']],
    ['"a""\n""b"\nc', ['"a""\n""b"', 'c']],
    ['"a","\r\n"\r\n\r\n"",""\n', ['"a","\r\n"', '', '"",""']],
    ['a\rb\nc\r', ['a\rb', 'c\r']],
  ])('finds the records of %j', (text, expected) => {
    expect(records(text)).toEqual(expected.map((content) => [content, null]))
  })

  it('says what is wrong with a record, and goes on after it', () => {
    const within = 'a quote stands within a field that does not begin with one'
    const after = 'a field goes on after its closing quote'
    expect(records('a"b,"c\nd"\ne')).toEqual([
      ['a"b,"c\nd"', within],
      ['e', null],
    ])
    expect(records('"a"b,c\n"d" ,e\nf')).toEqual([
      ['"a"b,c', after],
      ['"d" ,e', after],
      ['f', null],
    ])
    expect(records('"a\n"b"\nc', false)).toEqual([
      ['"a', 'a quote is not closed on its line'],
      ['"b"', null],
      ['c', null],
    ])
  })

  it('knows that a quote is still open where the file ends', () => {
    const scan = new RecordScan(rule(true))
    scan.look(Buffer.from('a,"b\nc'), 0, true)
    expect(found(scan)).toMatchObject({ isOpen: true, end: 6 })
    scan.look(Buffer.from('a,"b"'), 0, true)
    expect(found(scan)).toMatchObject({ isOpen: false, end: 5 })
  })

  const bytes = fc.array(fc.constantFrom(...'"",,\r\n\nab'), { maxLength: 30 }).map((all) => Buffer.from(all.join('')))
  test.prop([bytes, fc.boolean()], { numRuns: 10_000 })(
    'finds in a part of the bytes what it finds in all of them, or asks for more',
    (all, spansLines) => {
      const [whole, part] = [new RecordScan(rule(spansLines)), new RecordScan(rule(spansLines))]
      whole.look(all, 0, true)
      for (let length = 0; length <= all.length; length += 1)
        if (part.look(all.subarray(0, length), 0, false)) expect(found(part)).toEqual(found(whole))
      // It may ask for more only where the record reaches so far.
      if (whole.next < all.length - 2) expect(part.look(all, 0, false)).toBe(true)
    },
  )
})
