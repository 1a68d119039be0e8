/** Borderless: readable, and easy to cut apart in a shell. */
export const plain = {
  chars: {
    ...Object.fromEntries(
      ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'].map((at) => [
        at,
        '',
      ]),
    ),
    ...Object.fromEntries(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'].map((at) => [at, ''])),
    middle: '  ',
  },
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
}

/** A table as text, without the blanks that pad the last column. */
export function linesOf(table: { toString(): string }): string {
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
