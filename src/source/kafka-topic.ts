// Reads: committed records of a topic, in ranges of offsets. Writes: nothing, in Kafka neither: no group, no offset.
// On a crash: nothing is kept; reading resumes after the cursor, the offset of the last record handled.
// Never: skips a record, also when its retention has removed it since the run was planned.
import { RetryableError, TerminalError } from '../contract/errors.ts'
import type { PinnedBounds } from '../contract/plan.ts'
import { boundValue, type Cursor } from '../contract/range.ts'
import type { PartitionBy } from '../define/partition-by.ts'
import type { AnyRow } from '../define/row-schema.ts'
import type { KafkaTopicSource } from '../define/source-definition.ts'
import type { TopicRecord } from '../kafka/batch-records.ts'
import { topicOffsets, whyNoTopic } from '../kafka/describe-topic.ts'
import { readOffsets } from '../kafka/read-offsets.ts'
import { type SharedConnection, shareConnection } from '../kafka/share-connection.ts'
import { connectTopic, type TopicConnection } from '../kafka/topic-connection.ts'
import { untilAborted } from '../kafka/until-aborted.ts'
import { OffsetLocator } from '../plan/offset-locator.ts'
import type { Config } from '../process/config.ts'
import type { Log } from '../process/log.ts'
import { recordPages } from './record-pages.ts'
import type { Page, Source, SourceRange } from './source.ts'
import { locatedBy, sourceUnreadable } from './source-unreadable.ts'
import { fieldProblems, TopicRows } from './topic-rows.ts'

export interface KafkaTopicDeps {
  /** Its brokers are those of the topic. */
  readonly config: Config
  readonly log: Log
}

/** The records of a topic, in the order of its topic partitions and of the offsets in them. */
export function openKafkaTopic(definition: KafkaTopicSource<AnyRow>, deps: KafkaTopicDeps): Source {
  return new KafkaTopic(definition, deps)
}

class KafkaTopic implements Source {
  readonly #definition: KafkaTopicSource<AnyRow>
  readonly #deps: KafkaTopicDeps
  readonly #rows: TopicRows
  readonly #share: () => SharedConnection

  constructor(definition: KafkaTopicSource<AnyRow>, deps: KafkaTopicDeps) {
    this.#definition = definition
    this.#deps = deps
    this.#rows = new TopicRows(definition)
    this.#share = shareConnection(() => connectTopic(deps.config, definition.topic, deps.log))
  }

  async check(signal: AbortSignal): Promise<void> {
    const reasons = fieldProblems(this.#definition)
    const { config, log } = this.#deps
    try {
      const problem = await untilAborted(whyNoTopic(config, this.#definition.topic, log), signal)
      if (problem !== null) reasons.push(problem)
      else await this.#tryReading(signal)
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error
      reasons.push(...error.reasons)
    }
    if (reasons.length > 0) throw sourceUnreadable(reasons)
  }

  async pin(_partitionBy: PartitionBy, _params: AnyRow, signal: AbortSignal): Promise<PinnedBounds> {
    const { topic } = this.#definition
    const { config, log } = this.#deps
    return this.#connected(signal, async (connection) => {
      const topicId = await connection.topicId()
      const topicPartitions = await topicOffsets(config, topic, log)
      if ((await connection.topicId()) !== topicId) throw remade(topic)
      return { kind: 'offsets', topic, topicId, topicPartitions }
    })
  }

  async *read(
    { range, locator }: SourceRange,
    after: Cursor | null,
    chunkRows: number,
    signal: AbortSignal,
  ): AsyncGenerator<Page> {
    signal.throwIfAborted()
    const [from, to] = [boundValue('integer', range.from), boundValue('integer', range.to)]
    if (from >= to) {
      yield { rows: [], cursor: after, last: true }
      return
    }
    const place = locatedBy(OffsetLocator, { range, locator }, 'in which topic partition it lies')
    const { topic, topicId, topicPartition } = place
    const firstOffset = BigInt(place.from) - BigInt(place.firstPosition)
    const begin = firstOffset + from
    const offsets = {
      ...{ topic, topicPartition, to: firstOffset + to },
      from: after === null || BigInt(after) < begin ? begin : BigInt(after) + 1n,
    }
    const rowsOf = (records: readonly TopicRecord[]): ReturnType<TopicRows['of']> =>
      this.#rows.of(records, { topic, topicPartition, positionOf: (offset) => Number(offset - firstOffset) })
    const shared = this.#share()
    try {
      const connection = await untilAborted(shared.connection, signal)
      for await (const page of recordPages(readOffsets(connection, offsets, signal), after, chunkRows)) {
        // Asked after reading: records of another topic of that name are never handed out.
        if (topicId !== null) await untilAborted(requireSame(connection, place, topicId), signal)
        yield { ...page, rows: await rowsOf(page.records) }
      }
    } catch (error) {
      shared.discard()
      throw error
    } finally {
      shared.leave()
    }
  }

  /** A client that may describe a topic may still not read it, which only reading tells. */
  async #tryReading(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#deps
    const offsets = await untilAborted(topicOffsets(config, this.#definition.topic, log), signal)
    const some = offsets.find(({ from, to }) => from !== to)
    if (some === undefined) return
    await this.#connected(signal, (connection) => connection.fetch(some.topicPartition, BigInt(some.from)))
  }

  async #connected<Result>(
    signal: AbortSignal,
    work: (connection: TopicConnection) => Promise<Result>,
  ): Promise<Result> {
    const shared = this.#share()
    try {
      return await untilAborted(shared.connection.then(work), signal)
    } catch (error) {
      shared.discard()
      throw error
    } finally {
      shared.leave()
    }
  }
}

async function requireSame(
  connection: TopicConnection,
  { topic, topicPartition }: OffsetLocator,
  planned: string,
): Promise<void> {
  const id = await connection.topicId(topicPartition)
  // A topic that is gone is told by whoever connects next.
  if (id === null) throw remade(topic)
  if (id !== planned)
    throw sourceUnreadable([
      `topic "${topic}" is not the one that was planned: it was deleted and made anew; start another run`,
    ])
}

const remade = (topic: string): RetryableError =>
  new RetryableError('KAFKA_UNREACHABLE', `topic "${topic}" is being deleted, or made anew`)
