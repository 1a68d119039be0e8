import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import {
  decodeOffsetMetadata,
  encodeOffsetMetadata,
  metadataLimit,
  type TaskNote,
} from '../../src/work/offset-metadata.ts'

const finished = fc.record({ state: fc.constant('finished' as const), delta: fc.nat(500) })
const running = fc.record({
  state: fc.constant('running' as const),
  delta: fc.nat(500),
  epoch: fc.nat(),
  sequence: fc.nat(),
  cursor: fc.option(fc.string({ minLength: 1, maxLength: 512, unit: 'grapheme' }).filter((text) => text.length <= 512)),
  rows: fc.nat(),
  contentHash: fc.bigInt().map(String),
})
const notes = fc.uniqueArray(fc.oneof(finished, running), { selector: (note) => note.delta, maxLength: 60 })
const byDelta = (a: TaskNote, b: TaskNote): number => a.delta - b.delta

describe('offset metadata', () => {
  test.prop([notes])('never exceeds its limit, and keeps finished tasks before running ones', (given) => {
    const text = encodeOffsetMetadata(given)
    expect(text.length).toBeLessThanOrEqual(metadataLimit)
    const back = decodeOffsetMetadata(text)
    const kept = new Map(given.map((note) => [note.delta, note]))
    for (const note of back ?? []) expect(note).toEqual(kept.get(note.delta))
    if (back !== undefined && back.length < given.length) expect(text.length).toBeGreaterThan(metadataLimit - 1_700)
    expect(back).toBeDefined()
  })

  test.prop([
    fc.uniqueArray(
      fc.oneof(
        finished,
        running.map((note) => ({ ...note, cursor: 'x' })),
      ),
      { selector: (n) => n.delta, maxLength: 16 },
    ),
  ])('gives back what was encoded when it fits', (given) => {
    expect([...(decodeOffsetMetadata(encodeOffsetMetadata(given)) ?? [])].sort(byDelta)).toEqual(
      [...given].sort(byDelta),
    )
  })

  test.each([
    null,
    undefined,
    '',
    '2:[]',
    '{}',
    '1:',
    '1:[',
    '1:{}',
    '1:[[]]',
    '1:[[-1]]',
    '1:[["a"]]',
    'someone else',
  ])('foreign, broken or newer text %j counts as none', (text) => {
    expect(decodeOffsetMetadata(text)).toBeUndefined()
  })
})
