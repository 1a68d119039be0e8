import fc from 'fast-check'
import { v5 } from 'uuid'
import { expect, it } from 'vitest'
import { namedUuid } from '../../src/status/named-uuid.ts'

it('gives the ids of version 5, in any namespace', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.uuid(), (name, namespace) => {
      expect(namedUuid(name, namespace)).toBe(v5(name, namespace))
    }),
  )
})
