import { isDeepStrictEqual } from 'node:util'
import { writePlace } from '../contract/key-place.ts'
import type { KeyBounds, PinnedBounds } from '../contract/plan.ts'
import { boundText, boundValue } from '../contract/range.ts'
import { domainOf, rangeOf } from './pinned-domain.ts'
import type { Span } from './stretches.ts'

/** The places of a domain as numbers that order as they do. */
export interface DomainOrder {
  readonly whole: Span
  /** Throws RangeError on a text that is no place of the domain. */
  value(this: void, bound: string): bigint
  text(this: void, value: bigint): string
}

/** Of keys that only a server can order, the places at which they may be cut are numbered. */
export function orderOf(bounds: PinnedBounds): DomainOrder {
  const { from, to } = rangeOf(bounds)
  const { value, text } =
    bounds.kind === 'key' ? numbered(placesOf(bounds)) : computed('from' in bounds ? bounds.kind : 'integer')
  return { whole: { from: value(from), to: value(to) }, value, text }
}

/**
 * Whether the same place stands for the same rows in both. Along a column whose values everybody orders alike it does,
 * wherever the domains begin and end; of positions in files and topics, and of keys, only in one and the same domain.
 */
export function isSameDomain(a: PinnedBounds, b: PinnedBounds): boolean {
  if ('column' in a && 'column' in b) return a.kind === b.kind && a.column === b.column && isHashed(a) === isHashed(b)
  return isDeepStrictEqual(
    [domainOf({ ...a, only: undefined }), cutsOf(a)],
    [domainOf({ ...b, only: undefined }), cutsOf(b)],
  )
}

const isHashed = (bounds: PinnedBounds): boolean => 'hashed' in bounds && bounds.hashed === true

/** What a hash of the domain leaves out, though places are numbered by it. */
const cutsOf = (bounds: PinnedBounds): unknown => (bounds.kind === 'key' ? bounds.spread.map(({ to }) => to) : null)

const computed = (kind: 'integer' | 'time' | 'uuid'): Pick<DomainOrder, 'value' | 'text'> => ({
  value: (bound) => boundValue(kind, bound),
  text: (value) => boundText(kind, value),
})

function placesOf({ from, to, spread, values = [] }: KeyBounds): readonly string[] {
  const between = [
    ...values.slice(1).map((value) => writePlace({ values: [value], after: false })),
    ...spread.map((step) => step.to),
  ]
  return [...new Set([from, ...between, to])]
}

function numbered(places: readonly string[]): Pick<DomainOrder, 'value' | 'text'> {
  const numbers = new Map(places.map((place, at) => [place, BigInt(at)]))
  return {
    value: (bound) => {
      const number = numbers.get(bound)
      if (number === undefined) throw new RangeError(`"${bound}" is no place at which the domain may be cut`)
      return number
    },
    text: (value) => places[Number(value)] ?? '',
  }
}
