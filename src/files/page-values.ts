import type { RawReader, RawValue } from './raw-value.ts'
import type { RleBitPacked } from './rle-bit-packed.ts'
import { ValueError } from './value-error.ts'

/** What becomes of the values of a column. */
export interface Conversion {
  /** Throws ValueError for a value that does not fit. */
  readonly convert: (value: RawValue) => unknown
  /** Results of `convert` cannot be changed, so equal values may be one object. */
  readonly shared: boolean
  /** What the row gets instead of a result of `convert` that is neither null nor undefined: an object of its own, made late. */
  readonly finish: ((converted: unknown) => unknown) | null
  /** What a null becomes. */
  readonly absent: { readonly value: unknown } | 'refused'
}

/** The values of a page that are not null, read forwards. */
export interface PageValues {
  /** Sets `out[at]` to `out[at + count - 1]`. Throws ValueError with the index from 0. */
  read(out: unknown[], at: number, count: number): void
  skip(count: number): void
}

/** Values of a dictionary page: converted once where they can be shared and all fit, else at each use. */
export type Dictionary =
  | { readonly converted: readonly unknown[]; readonly raw: null }
  | { readonly converted: null; readonly raw: readonly RawValue[] }

export function dictionaryOf(raw: readonly RawValue[], { convert, shared }: Conversion): Dictionary {
  if (!shared) return { converted: null, raw }
  try {
    return { converted: raw.map(convert), raw: null }
  } catch (error) {
    // One does not fit, but perhaps no row has it: the use of it will tell, and say where.
    if (error instanceof ValueError) return { converted: null, raw }
    throw error
  }
}

/** Values that are indices into the column's dictionary. */
export class DictionaryValues implements PageValues {
  readonly #indices: RleBitPacked
  readonly #dictionary: Dictionary
  readonly #convert: Conversion['convert']
  #buffer = new Int32Array(0)

  constructor(indices: RleBitPacked, dictionary: Dictionary, { convert }: Conversion) {
    this.#indices = indices
    this.#dictionary = dictionary
    this.#convert = convert
  }

  read(out: unknown[], at: number, count: number): void {
    if (this.#buffer.length < count) this.#buffer = new Int32Array(count)
    const [buffer, { converted, raw }] = [this.#buffer, this.#dictionary]
    this.#indices.read(buffer, count)
    if (converted !== null) for (let i = 0; i < count; i++) out[at + i] = entryOf(converted, buffer[i])
    else convertEach(out, at, count, this.#convert, (i) => entryOf(raw, buffer[i]))
  }

  skip(count: number): void {
    this.#indices.skip(count)
  }
}

function entryOf<Value>(dictionary: readonly Value[], index: number | undefined): Value {
  const value = index === undefined ? undefined : dictionary[index]
  if (value === undefined) throw new Error(`a value is entry ${index} of a dictionary of ${dictionary.length}`)
  return value
}

/** Values stored one after the other, or decoded beforehand. */
export class SequentialValues implements PageValues {
  readonly #next: RawReader
  readonly #convert: Conversion['convert']

  constructor(next: RawReader, { convert }: Conversion) {
    this.#next = next
    this.#convert = convert
  }

  read(out: unknown[], at: number, count: number): void {
    convertEach(out, at, count, this.#convert, this.#next)
  }

  skip(count: number): void {
    for (let i = 0; i < count; i++) this.#next()
  }
}

function convertEach(
  out: unknown[],
  at: number,
  count: number,
  convert: Conversion['convert'],
  next: (index: number) => RawValue,
): void {
  let i = 0
  try {
    for (; i < count; i++) out[at + i] = convert(next(i))
  } catch (error) {
    if (error instanceof ValueError) error.index = i
    throw error
  }
}
