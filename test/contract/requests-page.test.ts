import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { RequestMessage } from '../../src/contract/request.ts'
import { StatusEvent } from '../../src/contract/status.ts'
import { requestHashOf } from '../../src/plan/answer.ts'

const page = readFileSync(new URL('../../docs/requests.md', import.meta.url), 'utf8')
const shown = [...page.matchAll(/```json\n(.*?)```/gs)].flatMap(([, block = '']) =>
  block
    .trim()
    .split(/\n(?=\{)/)
    .map((text) => JSON.parse(text) as { type: string; requestKey?: string }),
)
const isAnswer = ({ type }: { type: string }): boolean => type.startsWith('request.')
const isEvent = ({ type }: { type: string }): boolean => type.includes('.')
const requests = shown.filter((one) => !isEvent(one))
const events = shown.filter(isEvent)

describe('docs/requests.md', () => {
  test('shows every request', () => {
    const types = RequestMessage.options.map((option) => option.shape.type.value)
    expect(new Set(requests.map(({ type }) => type))).toEqual(new Set(types))
  })

  test.each(events)('shows the event $type $requestKey as it is', (event) => {
    expect(StatusEvent.parse(event)).toEqual(event)
  })

  test.each(requests)('shows the answer to the request $requestKey', (request) => {
    const answers = events.filter((event) => isAnswer(event) && event.requestKey === request.requestKey)
    const hash = requestHashOf(request, Buffer.alloc(0))
    const own = answers.filter((answer) => 'requestHash' in answer && answer.requestHash === hash)
    expect(own).not.toHaveLength(0)
    const isRight = RequestMessage.safeParse(request).success
    if (!isRight) expect(own.map(({ type }) => type)).toEqual(['request.rejected'])
  })
})
