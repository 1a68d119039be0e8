import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { StatusEvent, statusIdentity, statusKey } from '../../src/contract/status.ts'
import { eventHeaders } from '../../src/kafka/cloud-event.ts'
import { eventTypes } from '../../src/subscribe/read-event.ts'

const page = readFileSync(new URL('../../docs/status-events.md', import.meta.url), 'utf8')
const shown = [...page.matchAll(/```json\n(.*?)```/gs)].map(([, block = '']) => JSON.parse(block) as Shown)
interface Shown {
  readonly key: string
  readonly headers: Record<string, string>
  readonly value: unknown
}

describe('docs/status-events.md', () => {
  test('names every event', () => {
    for (const type of eventTypes) expect(page).toContain(`\`${type}\``)
  })

  test('shows records as they are', () => {
    expect(shown).not.toHaveLength(0)
    for (const { key, headers, value } of shown) {
      const event = StatusEvent.parse(value)
      expect(event).toEqual(value)
      expect(key).toBe(statusKey(event))
      expect(headers).toEqual(
        eventHeaders({
          ...{
            identity: statusIdentity(event),
            type: event.type,
            source: 'worker/worker-1',
            subject: key,
            time: event.at,
          },
          ...{ contentType: 'application/json', runId: 'runId' in event ? event.runId : undefined },
        }),
      )
    }
  })
})
