import { deflateRawSync } from 'node:zlib'
import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import {
  decodeOffsetMetadata,
  encodeOffsetMetadata,
  type LaneWindow,
  metadataGuard,
  metadataLimit,
  type TaskNote,
  taskMark,
} from '../../src/work/offset-metadata.ts'

const cursor = fc.option(fc.string({ minLength: 1, maxLength: 512, unit: 'grapheme' }).filter((c) => c.length <= 512))
const progress = (cursors: fc.Arbitrary<string | null | undefined>) =>
  fc.option(
    fc.record({
      epoch: fc.nat(),
      sequence: fc.nat(),
      rows: fc.nat(),
      contentHash: fc.bigInt().map(String),
      cursor: cursors,
    }),
    { nil: undefined },
  )
const mark = fc.uuid().map(taskMark)
const delta = fc.nat(500)
const note = (cursors: fc.Arbitrary<string | null>): fc.Arbitrary<TaskNote> =>
  fc.oneof(
    fc.record({
      state: fc.constant('finished' as const),
      delta,
      task: mark,
      progress: progress(fc.constant(undefined)),
    }),
    fc.record({ state: fc.constant('running' as const), delta, task: mark, progress: progress(cursors) }),
  )
const windowOf = (cursors: fc.Arbitrary<string | null>, maxLength: number): fc.Arbitrary<LaneWindow> =>
  fc.record({ taken: fc.nat(500), tasks: fc.uniqueArray(note(cursors), { selector: (n) => n.delta, maxLength }) })

const finishedOnly = ({ tasks }: LaneWindow) => tasks.filter(({ state }) => state === 'finished').map((n) => n.delta)

describe('offset metadata', () => {
  test.prop([windowOf(fc.constantFrom('2024-01-31T00:00:00.123456Z/918273', '123456789', null), 24)])(
    'gives back what was encoded when it fits',
    (given) => {
      const { text } = encodeOffsetMetadata(given)
      expect(decodeOffsetMetadata(text)).toEqual(given)
    },
  )

  test.prop([windowOf(cursor, 300)])(
    'never exceeds the limit; what is left out is cursors first, finished marks never',
    (given) => {
      const { text, crowded } = encodeOffsetMetadata(given)
      if (text === undefined) {
        expect(crowded).toBe(true)
        return
      }
      expect(text.length).toBeLessThanOrEqual(metadataLimit)
      expect(Buffer.byteLength(text)).toBe(text.length)
      if (!crowded) expect(text.length).toBeLessThanOrEqual(metadataGuard)
      const back = decodeOffsetMetadata(text)
      if (back === undefined) throw new Error('what was encoded is not read')
      expect(finishedOnly(back)).toEqual(finishedOnly(given))
      const kept = new Map(given.tasks.map((n) => [n.delta, n]))
      for (const { progress: told, ...rest } of back.tasks) {
        const whole = kept.get(rest.delta)
        expect(rest).toEqual({ state: whole?.state, delta: whole?.delta, task: whole?.task })
        if (told !== undefined)
          expect(whole?.progress).toEqual(
            told.cursor === undefined ? { ...told, cursor: whole?.progress?.cursor } : told,
          )
      }
    },
  )

  test('a full window of ordinary tasks is far from the guard; one of long random cursors loses only the cursors', () => {
    const tasks = (cursorOf: (at: number) => string): TaskNote[] =>
      Array.from({ length: 64 }, (_, at) => ({
        state: at % 2 === 0 ? 'running' : 'finished',
        delta: at,
        task: taskMark(`00000000-0000-4000-8000-0000000000${String(at).padStart(2, '0')}`),
        progress: {
          epoch: 1 + (at % 3),
          sequence: at * 7,
          rows: at * 25_000,
          contentHash: String(BigInt(`0x${Buffer.from(taskMark(String(at))).toString('hex')}`)),
          cursor: at % 2 === 0 ? cursorOf(at) : undefined,
        },
      }))
    const ordinary = encodeOffsetMetadata({ taken: 64, tasks: tasks((at) => String(at * 1_000_003)) })
    expect(ordinary.crowded).toBe(false)
    const long = encodeOffsetMetadata({
      taken: 64,
      tasks: tasks((at) => Array.from({ length: 50 }, (_, part) => taskMark(`${at}/${part}`)).join('')),
    })
    expect(long.crowded).toBe(true)
    const back = decodeOffsetMetadata(long.text)
    expect(back?.tasks).toHaveLength(64)
    expect(back?.tasks.every((n) => n.progress?.cursor === undefined && n.progress?.epoch !== undefined)).toBe(true)
  })

  test('when not even the finished marks fit there is no text', () => {
    const tasks = Array.from(
      { length: 2_000 },
      (_, at): TaskNote => ({
        state: 'finished',
        delta: at,
        task: taskMark(String(at)),
        progress: undefined,
      }),
    )
    expect(encodeOffsetMetadata({ taken: 2_000, tasks })).toEqual({ text: undefined, crowded: true })
  })

  test.each([
    null,
    undefined,
    '',
    '2:[]',
    '1:[[1]]',
    '{}',
    '{"v":2,"taken":0,"tasks":[]}',
    '{"v":1,"taken":-1,"tasks":[]}',
    '{"v":1,"taken":1,"tasks":[[0,1]]}',
    '{"v":1,"taken":1,"tasks":[[0,1,"short"]]}',
    '{"v":1,"taken":1,"tasks":[[2,1,"abcdefgh"]]}',
    '{"v":1,"taken":1,"tasks":[[1,1,"abcdefgh",1,2,3,"x"]]}',
    'B1.',
    'B1.!!!!',
    'B2.AAAA',
    `B1.${deflateRawSync('{"v":1').toString('base64url')}`,
    `B1.${deflateRawSync(Buffer.alloc(50_000_000)).toString('base64url')}`,
    'someone else',
  ])('foreign, broken or newer text %# counts as none', (text) => {
    expect(decodeOffsetMetadata(text)).toBeUndefined()
  })

  test.prop([
    fc.oneof(
      fc.string(),
      fc.string().map((text) => `B1.${text}`),
      fc.base64String().map((text) => `B1.${text}`),
      fc.json(),
    ),
  ])('no text whatever makes it throw', (text) => {
    const window = decodeOffsetMetadata(text)
    if (window !== undefined) expect(decodeOffsetMetadata(encodeOffsetMetadata(window).text)).toEqual(window)
  })

  test.prop([windowOf(cursor, 20), fc.nat(), fc.string({ minLength: 1, maxLength: 3 })])(
    'a text that was damaged gives nothing or a well-formed window',
    (given, at, damage) => {
      const { text = '' } = encodeOffsetMetadata(given)
      const place = at % text.length
      const broken = text.slice(0, place) + damage + text.slice(place + damage.length)
      for (const n of decodeOffsetMetadata(broken)?.tasks ?? []) expect(n.task).toMatch(/^[\w-]{8}$/)
    },
  )
})
