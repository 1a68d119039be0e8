// Ranges with few rows, read many in one statement: a task with little to do should not cost a statement of its own.
import { RetryableError } from '../contract/errors.ts'
import { groupCalls } from '../postgres/group-calls.ts'
import { quoteIdentifier } from '../postgres/identifier.ts'
import type { Pool } from '../postgres/pool.ts'
import { boundType, fetchTexts, orGivenUp, pageStatement, selectionOf, type TableOrder } from './postgres-pages.ts'
import type { TextRow } from './text-rows.ts'

export interface FirstPage {
  readonly order: TableOrder
  readonly from: string
  readonly to: string
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

  const alone = async ({ order, from, to, limit, signal }: FirstPage): Promise<readonly TextRow[]> => {
    const texts = await fetchTexts(pool, pageStatement(order, from, to, null, limit), signal)
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
    if (!areSmall) return alone(page)
    try {
      return await orGivenUp(together(page), page.signal)
    } catch (error) {
      page.signal.throwIfAborted()
      throw error
    }
  }
}

/** As `pageStatement` reads each of them, up to one row more than is few; the first column is the place of the range. */
function rangesStatement(
  order: TableOrder,
  ranges: readonly { readonly from: string; readonly to: string }[],
): Parameters<typeof fetchTexts>[1] {
  const { table, partitionColumn, key } = order
  const [column, keyColumn] = [partitionColumn, key].map(({ name }) => `t.${quoteIdentifier(name)}`)
  const { list } = selectionOf(order)
  const bound = boundType(partitionColumn)
  const names = list.map((_, at) => `c${at}`)
  const text = `
    select of.place, ${names.map((name) => `p.${name}`).join(', ')}
      from unnest($1::${bound}[], $2::${bound}[]) with ordinality as of("from", "to", place)
     cross join lateral (
       select ${list.map((expression, at) => `${expression} as ${names[at]}`).join(', ')}, ${column} as o1, ${keyColumn} as o2
         from ${table.sql} as t where ${column} >= of."from" and ${column} < of."to"
        order by ${column}, ${keyColumn} limit ${fewRows + 1}) as p
     order by of.place, p.o1, p.o2`
  return { text, values: [ranges.map(({ from }) => from), ranges.map(({ to }) => to)] }
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
