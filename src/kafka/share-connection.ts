import type { TopicConnection } from './topic-connection.ts'

export interface SharedConnection {
  readonly connection: Promise<TopicConnection>
  /** It failed: whoever comes next gets another one. */
  discard(): void
  /** Once. When the last one has left, it is closed. */
  leave(): void
}

/** One connection for all that read at the same time, opened for the first of them. */
export function shareConnection(open: () => Promise<TopicConnection>): () => SharedConnection {
  interface Entry {
    readonly connection: Promise<TopicConnection>
    users: number
  }
  let current: Entry | undefined
  const forget = (entry: Entry): void => {
    if (current === entry) current = undefined
  }
  return () => {
    current ??= { connection: open(), users: 0 }
    const entry = current
    entry.users += 1
    entry.connection.catch(() => forget(entry))
    return {
      connection: entry.connection,
      discard: () => forget(entry),
      leave: () => {
        entry.users -= 1
        if (entry.users > 0) return
        forget(entry)
        // Not waited for: it may still be opening, or have a request under way.
        void entry.connection.then(
          (connection) => connection.close(),
          () => {},
        )
      },
    }
  }
}
