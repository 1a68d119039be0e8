import { fc, test } from '@fast-check/vitest'
import { describe, expect } from 'vitest'
import { type Place, readBookmark, requirePlace, type TopicState, writeBookmark } from '../../src/subscribe/bookmark.ts'

const offset = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })
const places: fc.Arbitrary<Place> = fc.record({
  topic: fc.string(),
  topicId: fc.option(fc.string()),
  next: fc.array(offset),
  owed: fc.option(fc.record({ topicPartition: fc.nat(), offset })),
})
const place: Place = { topic: 'a.status', topicId: 'one', next: [10n, 20n], owed: null }
const topic: TopicState = {
  ...{ name: 'a.status', id: 'one' },
  offsets: [
    { first: 5n, next: 10n },
    { first: 20n, next: 30n },
  ],
}

describe('a bookmark', () => {
  test.prop([places])('is what it was, also through JSON', (place) => {
    expect(readBookmark(JSON.parse(JSON.stringify(writeBookmark(place))) as string)).toEqual(place)
  })

  test.each(['', 'begining', '{"topic":"a"}', '1', 'x:{}'])('%j is none', (text) => {
    expect(() => readBookmark(text)).toThrow(/it may be "beginning", "now" or a bookmark/)
  })

  test.each(['1:', '1:{}', '1:{"topic":"a","id":null,"next":["-1"]}', `${writeBookmark(place)}x`])(
    '%j is damaged',
    (text) => {
      expect(() => readBookmark(text)).toThrow(/is damaged/)
    },
  )

  test('of a newer version is not guessed at', () => {
    expect(() => readBookmark('2:{}')).toThrow(/has version 2, and this client knows 1/)
  })
})

describe('a topic', () => {
  const why = (change: Partial<TopicState>, of: Place = place): string => {
    try {
      requirePlace(of, { ...topic, ...change })
      return 'goes on'
    } catch (error) {
      return (error as Error).message
    }
  }

  test('that has all after the bookmark goes on, also with topic partitions more, and where ids are not known', () => {
    expect(why({})).toBe('goes on')
    expect(why({ offsets: [...topic.offsets, { first: 0n, next: 3n }] })).toBe('goes on')
    expect(why({ id: null })).toBe('goes on')
    expect(why({ id: 'two' }, { ...place, topicId: null })).toBe('goes on')
  })

  test('of another name does not', () => {
    expect(why({ name: 'b.status' })).toMatch(/is of topic "a.status", and this client follows "b.status"/)
  })

  test('that was made anew does not', () => {
    expect(why({ id: 'two' })).toMatch(/was deleted and made anew since the bookmark/)
    expect(why({ offsets: [{ first: 0n, next: 9n }] })).toMatch(
      /topic partition 0 ends before 9, the bookmark goes on at 10; topic partition 1 ends before 0/,
    )
  })

  test('whose records are gone does not, and says which', () => {
    const offsets = [
      { first: 12n, next: 14n },
      { first: 20n, next: 30n },
    ]
    expect(why({ offsets })).toMatch(/are gone, by its retention: 2 of topic partition 0 \(10 to before 12\)/)
    expect(why({}, { ...place, owed: { topicPartition: 0, offset: 4n } })).toMatch(/1 of topic partition 0 \(4 to/)
  })
})
