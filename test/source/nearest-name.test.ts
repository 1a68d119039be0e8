import { describe, expect, it } from 'vitest'
import { insteadOf, nearestName } from '../../src/source/nearest-name.ts'

describe('nearestName', () => {
  it.each([
    ['amout', 'amount'],
    ['Created_At', 'created_at'],
    ['id', 'id'],
    ['ix', 'id'],
    ['customer', null],
  ])('for "%s" is %s', (asked, nearest) => {
    expect(nearestName(asked, ['id', 'amount', 'created_at'])).toBe(nearest)
  })

  it('is what a message proposes, else all names', () => {
    expect(insteadOf('amout', ['id', 'amount'])).toBe('did you mean "amount"?')
    expect(insteadOf('region', ['id', 'amount'])).toBe('there are id, amount')
  })
})
