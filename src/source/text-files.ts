// Reads: files of text below the definition's folder. Writes: nothing.
// On a crash: nothing is kept; reading resumes at the cursor, the place after the last record handled.
// Never: reads a file other than the one that was planned, nor holds more in memory than one page and one record.
import type { FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { TerminalError } from '../contract/errors.ts'
import type { PinnedBounds, PinnedTextFile } from '../contract/plan.ts'
import { boundValue, type Cursor } from '../contract/range.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import { type FileIdentity, identityOf, openFile, requireSame } from '../files/open-file.ts'
import { lineStart, RecordReader, type RecordsOptions } from '../files/record-reader.ts'
import { guessRecords, recordStarts } from '../files/record-starts.ts'
import { FileLocator } from '../plan/file-locator.ts'
import { maxPartitions } from '../plan/plan-hash.ts'
import { findPaths } from './file-paths.ts'
import { JoinedRows } from './record-rows.ts'
import type { Page, PageRows, Source, SourceRange } from './source.ts'
import { locatedBy, sourceUnreadable } from './source-unreadable.ts'
import { encodingOf } from './text-encoding.ts'
import type { TextBody, TextFormat } from './text-format.ts'

/** A page of larger records has fewer of them. */
const pageBytes = 16 * 1024 * 1024

export interface TextPaths {
  /** Files or globs, relative to the folder. */
  readonly paths: readonly string[]
  readonly folder: string
}

/**
 * The records of text files, in the order of their paths. Positions are those of bytes, counted through all files: a
 * record has that of its first byte, and is in the range that holds it, however far it goes on.
 *
 * A range may begin anywhere. Where every newline ends a record, the first record of a range from byte b of a file on
 * begins after the first newline at b − 1 or later, which is found when the range is read. Where newlines may stand in
 * quotes no place in the middle tells whether it is within some, so the file is read once when the bounds are pinned, and
 * ranges begin where records do; the rule then finds the very first byte of the range, for the one before is a newline.
 */
export class TextFiles implements Source {
  readonly #format: TextFormat
  readonly #where: TextPaths

  constructor(format: TextFormat, where: TextPaths) {
    this.#format = format
    this.#where = where
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#eachFile(signal, async () => {})
  }

  async pin(partitionBy: PartitionBy, _params: AnyRow, signal: AbortSignal): Promise<PinnedBounds> {
    if (partitionBy.kind !== 'bytes')
      throw new TerminalError('PLAN_INVALID', `partitionBy "${partitionBy.kind}" cannot cut files of text`)
    const files: PinnedTextFile[] = []
    await this.#eachFile(signal, async (file, { start }, path) => {
      files.push({ path, ...(await this.#pinned(file, start, partitionBy.bytes, signal)) })
    })
    return { kind: 'bytes', files }
  }

  async *read(
    { range, locator }: SourceRange,
    after: Cursor | null,
    chunkRows: number,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    const [from, to] = [positionOf(range.from), positionOf(range.to)]
    if (Math.max(from, after === null ? 0 : positionOf(after)) >= to) {
      yield { rows: [], cursor: after, last: true }
      return
    }
    const place = locatedBy(FileLocator, { range, locator }, 'in which file it lies')
    const { path, firstPosition: first } = place
    const file = await openText(this.#format, resolve(this.#where.folder, path))
    try {
      requireSame(file.path, file.identity, place)
      const body = await file.body(signal)
      const begin = after === null ? from - first : positionOf(after) - first
      const start =
        begin <= body.start
          ? body.start
          : after === null
            ? await lineStart(file.handle, begin, to - first, signal)
            : begin
      const reader = file.records(start, to - first)
      let cursor = after
      for (;;) {
        const parts: PageRows[] = []
        const begun = reader.position
        let left = chunkRows
        while (left > 0 && reader.position - begun < pageBytes && (await reader.ready(signal))) {
          const part = await body.rows(reader.take(left), first)
          parts.push(part)
          left -= part.length
        }
        const rows = new JoinedRows(parts)
        if (rows.length > 0) cursor = String(first + reader.position)
        const last = !(await reader.ready(signal))
        // Checked after reading: rows of a file that was changed meanwhile are never handed out.
        requireSame(file.path, await identityOf(file.handle), place)
        yield { rows, cursor, last }
        if (last) return
      }
    } finally {
      await file.handle.close()
    }
  }

  /** Opens every file; throws TerminalError with all that is wrong in any of them. */
  async #eachFile(
    signal: AbortSignal,
    look: (file: OpenedText, body: TextBody, path: string) => Promise<void>,
  ): Promise<void> {
    const { paths, problems } = await findPaths(this.#where.paths, this.#where.folder, this.#format.extension)
    const reasons = [...problems]
    for (const path of paths) {
      signal.throwIfAborted()
      try {
        const file = await openText(this.#format, resolve(this.#where.folder, path))
        try {
          await look(file, await file.body(signal), path)
        } finally {
          await file.handle.close()
        }
      } catch (error) {
        if (!(error instanceof TerminalError) || error.code !== 'SOURCE_NOT_READABLE') throw error
        reasons.push(...error.reasons)
      }
    }
    if (reasons.length > 0) throw sourceUnreadable(reasons)
  }

  async #pinned(
    { path, handle, identity, options: optionsFrom }: OpenedText,
    start: number,
    size: number,
    signal: AbortSignal,
  ): Promise<Omit<PinnedTextFile, 'path'>> {
    const options = optionsFrom(start)
    const mayCutAnywhere = this.#format.rule.quoting?.spansLines !== true
    if (mayCutAnywhere || identity.bytes <= size) {
      const estimatedRows = await guessRecords(handle, options, signal)
      return { ...identity, starts: mayCutAnywhere ? null : [], estimatedRows }
    }
    const { starts, records } = await recordStarts(handle, options, { size, limit: maxPartitions }, signal)
    if (starts.length > maxPartitions)
      throw new TerminalError(
        'PLAN_INVALID',
        `${path} gives more than ${maxPartitions.toLocaleString('en')} partitions: make the partitions larger`,
      )
    requireSame(path, await identityOf(handle), identity)
    return { ...identity, starts: [...starts], estimatedRows: records }
  }
}

interface OpenedText {
  readonly path: string
  readonly handle: FileHandle
  /** As it was when it was opened. */
  readonly identity: FileIdentity
  /** Throws TerminalError (SOURCE_NOT_READABLE) with every way in which the schema contradicts it. */
  body(signal: AbortSignal): Promise<TextBody>
  options(from: number): Omit<RecordsOptions, 'to'>
  records(from: number, to: number): RecordReader
}

async function openText(format: TextFormat, path: string): Promise<OpenedText> {
  const handle = await openFile(path)
  try {
    const identity = await identityOf(handle)
    const { bytes } = identity
    const { rule, maxRecordBytes } = format
    const options = (from: number): Omit<RecordsOptions, 'to'> => ({ path, rule, from, bytes, maxRecordBytes })
    const records = (from: number, to: number): RecordReader => new RecordReader(handle, { ...options(from), to })
    return {
      ...{ path, handle, identity, options, records },
      body: async (signal) => {
        const begin = await encodingOf(handle, path)
        const body = await format.open({ path, begin, records: (from) => records(from, bytes) }, signal)
        if (body.problems.length > 0) throw sourceUnreadable(body.problems.map((problem) => `${path}: ${problem}`))
        return body
      },
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}

const positionOf = (text: string): number => Number(boundValue('integer', text))
