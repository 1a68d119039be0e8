/** Where a command writes: data to stdout, everything that is said to a person to stderr. */
export interface Output {
  /** A line, or lines, of data. */
  data(text: string): void
  /** One JSON document (or one line of NDJSON) of data. */
  json(value: unknown): void
  /** A line to a person. */
  note(text: string): void
}

export function createOutput(stdout: NodeJS.WritableStream, stderr: NodeJS.WritableStream): Output {
  return {
    data: (text) => void stdout.write(`${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    note: (text) => void stderr.write(`${text}\n`),
  }
}
