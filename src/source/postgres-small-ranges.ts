// Ranges with few rows, read many in one statement: a task with little to do should not cost a statement of its own.
import { RetryableError } from '../contract/errors.ts'
import type { KeyRange } from '../contract/range.ts'
import { groupCalls } from '../postgres/group-calls.ts'
import type { Pool } from '../postgres/pool.ts'
import { placesOf } from './partition-order.ts'
import { fetchTexts, orGivenUp, pageStatement, selectionOf, type TableOrder } from './postgres-pages.ts'
import type { TextRow } from './text-rows.ts'

export interface FirstPage {
  readonly order: TableOrder
  readonly range: KeyRange
  /** Rows at most. */
  readonly limit: number
  readonly signal: AbortSignal
}

/** Rows of a range that is read together with others. */
const fewRows = 64

/**
 * Reads the first rows of a range. Ranges asked for at the same time are read together once one of them was seen to hold
 * few rows; one that holds more is read alone, and so are those after it until a small one is seen again.
 */
export function firstPages(pool: Pool): (page: FirstPage) => Promise<readonly TextRow[]> {
  let areSmall = false

  const alone = async ({ order, range, limit, signal }: FirstPage): Promise<readonly TextRow[]> => {
    const texts = await fetchTexts(pool, pageStatement(order, range, null, limit), signal)
    areSmall = texts.length < limit && texts.length <= fewRows
    return texts
  }

  const together = groupCalls<FirstPage, readonly TextRow[]>({
    alone,
    together: async (pages) => {
      const [first] = pages
      if (first === undefined) return []
      const left = whenAllHaveLeft(pages.map(({ signal }) => signal))
      try {
        const statement = rangesStatement(first.order, pages)
        const read = rowsByRange(pages.length, await fetchTexts(pool, statement, left.signal))
        return read.map((result, at) => {
          const isWhole = result.length <= fewRows && result.length < (pages[at]?.limit ?? 0)
          areSmall &&= isWhole
          return isWhole ? { result } : undefined
        })
      } catch (error) {
        // Of a server that is away each would only hear the same.
        if (error instanceof RetryableError && error.code === 'POSTGRES_UNREACHABLE') throw error
        // What is wrong, and with which of them, is found out by reading each alone.
        return pages.map(() => undefined)
      } finally {
        left.end()
      }
    },
    clash: (a, b) => a.order !== b.order,
  })

  return async (page) => {
    if (!areSmall || !isPlain(page)) return alone(page)
    try {
      return await orGivenUp(together(page), page.signal)
    } catch (error) {
      page.signal.throwIfAborted()
      throw error
    }
  }
}

/** One column, and both bounds are before a value: what one statement can ask of all ranges alike. */
function isPlain({ order: { partition }, range }: FirstPage): boolean {
  if (range.kind === 'key') return false
  const { from, to } = placesOf(range, partition)
  return !from.after && !to.after
}

/** As `pageStatement` reads each of them, up to one row more than is few; the first column is the place of the range. */
function rangesStatement(order: TableOrder, pages: readonly FirstPage[]): Parameters<typeof fetchTexts>[1] {
  const { table, partition, terms } = order
  const { list } = selectionOf(order)
  const names = list.map((_, at) => `c${at}`)
  const column = partition.map(({ sql }) => sql).join()
  const bound = partition.map(({ type }) => type).join()
  const places = pages.map(({ range }) => placesOf(range, partition))
  const text = `
    select of.place, ${names.map((name) => `p.${name}`).join(', ')}
      from unnest($1::${bound}[], $2::${bound}[]) with ordinality as of("from", "to", place)
     cross join lateral (
       select ${list.map((expression, at) => `${expression} as ${names[at]}`).join(', ')}, ${terms.map(({ sql }, at) => `${sql} as o${at}`).join(', ')}
         from ${table.sql} as t where ${column} >= of."from" and ${column} < of."to"
        order by ${terms.map(({ sql }) => sql).join(', ')} limit ${fewRows + 1}) as p
     order by of.place, ${terms.map((_, at) => `p.o${at}`).join(', ')}`
  return {
    text,
    values: [places.map(({ from }) => from.values.join()), places.map(({ to }) => to.values.join())],
  }
}

function rowsByRange(ranges: number, texts: readonly TextRow[]): readonly TextRow[][] {
  const rows = Array.from({ length: ranges }, (): TextRow[] => [])
  for (const [place, ...row] of texts) rows[Number(place) - 1]?.push(row)
  return rows
}

/** Aborted when every one of the signals is: then nobody waits for the answer any more. */
function whenAllHaveLeft(signals: readonly AbortSignal[]): { readonly signal: AbortSignal; end(): void } {
  const left = new AbortController()
  let waiting = signals.length
  const leave = (): void => {
    waiting -= 1
    if (waiting === 0) left.abort()
  }
  for (const signal of signals)
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  return {
    signal: left.signal,
    end: () => {
      for (const signal of signals) signal.removeEventListener('abort', leave)
    },
  }
}
