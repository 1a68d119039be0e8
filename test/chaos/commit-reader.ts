/**
 * Reads what a Postgres client sends, in pieces cut anywhere, and returns how many COMMITs became whole with a piece.
 * Knows of the protocol only how messages are framed, and the simple query.
 */
export function commitReader(): (piece: Buffer) => number {
  let kept: Buffer = Buffer.alloc(0)
  // The first message of a connection has no type byte.
  let header = 0
  return (piece) => {
    kept = kept.length === 0 ? piece : Buffer.concat([kept, piece])
    let at = 0
    let commits = 0
    while (kept.length >= at + header + 4) {
      const end = at + header + kept.readInt32BE(at + header)
      if (kept.length < end) break
      if (header === 1 && kept[at] === query && isCommit(kept.toString('utf8', at + 5, end - 1))) commits += 1
      at = end
      header = 1
    }
    kept = kept.subarray(at)
    return commits
  }
}

const query = 'Q'.charCodeAt(0)
const isCommit = (text: string): boolean => /^\s*commit\s*;?\s*$/i.test(text)
