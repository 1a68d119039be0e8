import { describe, expect, it } from 'vitest'
import { rebuildingText, rebuiltJson, rebuiltText } from '../../src/cli/rebuilt-text.ts'
import type { RebuiltLedger } from '../../src/compose.ts'

const rebuilt: RebuiltLedger = {
  topic: 'tidemark.status',
  ranges: [
    { topicPartition: 0, from: 0n, to: 1_000n },
    { topicPartition: 1, from: 50n, to: 1_234n },
  ],
  records: 2_184,
  refused: 11,
  firstRefused: [{ topicPartition: 1, offset: '77', reason: 'the value is not JSON' }],
  ledger: { hash: 'abc', tables: { ledger_history: { rows: 2_100, hash: '1' }, ledger_run: { rows: 2, hash: '-3' } } },
  live: { equal: true, asOf: '0:1000,1:1234' },
}

describe('a ledger that was rebuilt', () => {
  it('for a person: as of when, how many facts, the hash, and what is not in it', () => {
    expect(rebuiltText('again', rebuilt).split('\n')).toEqual([
      'ledger       schema "again", as of 0:1000,1:1234',
      'events       2,173 of tidemark.status, 2,100 of them distinct',
      'rows         ledger_run 2',
      'hash         abc',
      'live         equal',
      'removed      by retention, of topic partition 1 the offsets below 50',
      'no events    11 records, the first:',
      '  1:77 the value is not JSON',
    ])
  })

  it('differs from the live one, or is not compared', () => {
    const differs = rebuiltText('again', {
      ...rebuilt,
      live: { equal: false, asOf: '0:900', hash: 'def', tables: ['ledger_run'] },
    })
    expect(differs).toContain('live         differs as of 0:900, where it stood when this began: def')
    expect(rebuiltText('again', { ...rebuilt, live: { equal: null, why: 'it stands elsewhere' } })).toContain(
      'live         not compared: it stands elsewhere',
    )
  })

  it('as JSON, offsets as text', () => {
    expect(JSON.parse(JSON.stringify(rebuiltJson('again', rebuilt)))).toEqual({
      ...{ schema: 'again', topic: 'tidemark.status', asOf: '0:1000,1:1234' },
      topicPartitions: [
        { topicPartition: 0, from: '0', to: '1000' },
        { topicPartition: 1, from: '50', to: '1234' },
      ],
      ...{ events: 2_173, facts: 2_100, refused: 11, firstRefused: rebuilt.firstRefused, hash: 'abc' },
      tables: rebuilt.ledger.tables,
      live: { equal: true, asOf: '0:1000,1:1234' },
    })
  })

  it('on the way: how far', () => {
    expect(rebuildingText(12_345, 50_000)).toBe('rebuilding: 12,345 of 50,000 records, 24 %')
    expect(rebuildingText(0, 0)).toBe('rebuilding: 0 of 0 records, 100 %')
  })
})
