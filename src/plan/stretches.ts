/** Half-open, in numbers that order as the bounds of a domain do. */
export interface Span {
  readonly from: bigint
  readonly to: bigint
}

/** Of each span, in order, what none of `others` has of it. Both ascending and disjoint. */
export function* minus<Of extends Span>(spans: Iterable<Of>, others: readonly Span[]): Generator<Of> {
  let first = 0
  for (const span of spans) {
    while ((others[first]?.to ?? span.from + 1n) <= span.from) first += 1
    let { from } = span
    for (let at = first; from < span.to; at += 1) {
      const other = others[at]
      if (other === undefined || other.from >= span.to) {
        yield { ...span, from }
        break
      }
      if (other.from > from) yield { ...span, from, to: other.from }
      if (other.to > from) from = other.to
    }
  }
}

/** Of each span, in order, what one of `others` has of it too. Both ascending and disjoint. */
export function* within<Of extends Span>(spans: Iterable<Of>, others: readonly Span[]): Generator<Of> {
  let first = 0
  for (const span of spans) {
    while ((others[first]?.to ?? span.from + 1n) <= span.from) first += 1
    for (let at = first; ; at += 1) {
      const other = others[at]
      if (other === undefined || other.from >= span.to) break
      yield {
        ...span,
        from: other.from > span.from ? other.from : span.from,
        to: other.to < span.to ? other.to : span.to,
      }
    }
  }
}

/** Both, and where they overlap what `over` says. All ascending and disjoint. */
export function laidOver<Of extends Span>(under: readonly Of[], over: readonly Of[]): Of[] {
  return [...minus(under, over), ...over].sort((a, b) => (a.from < b.from ? -1 : 1))
}

/** Adds a span at the end of others: where it touches the last of them and is alike, as one with it. */
export function append<Of extends Span>(spans: Of[], span: Of, isAlike: (a: Of, b: Of) => boolean = () => true): void {
  const last = spans.at(-1)
  if (last !== undefined && last.to === span.from && isAlike(last, span))
    spans[spans.length - 1] = { ...last, to: span.to }
  else spans.push(span)
}

/** Neighbours that touch and are alike as one. Ascending and disjoint, as the result. */
export function joined<Of extends Span>(spans: Iterable<Of>, isAlike?: (a: Of, b: Of) => boolean): Of[] {
  const all: Of[] = []
  for (const span of spans) append(all, span, isAlike)
  return all
}
