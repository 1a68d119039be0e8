// Risk: a certificate that somebody changed, or made up, is taken for the real one.
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { sealed, signingKey, unsealed, verifyingKey } from '../../src/certify/seal.ts'
import type { Certificate } from '../../src/contract/run-certificate.ts'

const certificate: Certificate = {
  ...{ version: 1, certifies: 'tables', at: '2026-11-27T06:00:00.000Z', tables: ['a', 'b'], columns: ['id'] },
  ...{ key: ['id'], first: { rows: 3, contentHash: '-5' }, second: { rows: 3, contentHash: '-5' }, verdict: 'equal' },
  rows: [],
}
const pair = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    signing: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    verifying: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  }
}
/** As it comes from a file. */
const stored = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('a sealed certificate', () => {
  it('is vouched for by its digest, by its own key, or by the key that is given', () => {
    expect(unsealed(stored(sealed(certificate, null)), null)).toMatchObject({ voucher: 'digest' })
    const { signing, verifying } = pair()
    const document = stored(sealed(certificate, signingKey(signing)))
    expect(unsealed(document, null)).toMatchObject({ voucher: 'own key', sealed: { certificate } })
    expect(unsealed(document, verifyingKey(verifying))).toMatchObject({ voucher: 'given key' })
  })

  it('does not depend on the order of its fields', () => {
    const { certificate: given, ...rest } = stored(sealed(certificate, null)) as { certificate: object }
    const turned = Object.fromEntries(Object.entries(given).reverse())
    expect(unsealed({ ...rest, certificate: turned }, null).voucher).toBe('digest')
  })

  it.each([
    ['a value was changed', { verdict: 'different' }],
    ['a count was changed', { first: { rows: 4, contentHash: '-5' } }],
    ['a field was added', { note: 'all is well' }],
  ])('is refused when %s', (_, change) => {
    const document = sealed(certificate, null)
    const changed = stored({ ...document, certificate: { ...document.certificate, ...change } })
    expect(() => unsealed(changed, null)).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID', message: expect.stringContaining('was changed') }),
    )
  })

  it('is refused when somebody else signed it, nobody did, or its signature was taken from another', () => {
    const [ours, theirs] = [pair(), pair()]
    const byThem = stored(sealed(certificate, signingKey(theirs.signing)))
    expect(() => unsealed(byThem, verifyingKey(ours.verifying))).toThrow('not made with the key that was given')
    expect(() => unsealed(stored(sealed(certificate, null)), verifyingKey(ours.verifying))).toThrow('it is not signed')
    const other = sealed({ ...certificate, at: '2026-11-28T06:00:00.000Z' }, signingKey(ours.signing))
    const swapped = stored({ ...sealed(certificate, null), signature: other.signature })
    expect(() => unsealed(swapped, null)).toThrow('not made with the key it names')
  })

  it('is no certificate when it is something else', () => {
    expect(() => unsealed({ hello: 1 }, null)).toThrow('it is no certificate')
    expect(() => unsealed('text', null)).toThrow('it is no certificate')
  })
})

it('wants Ed25519 keys in PEM, and says how one is made', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  expect(() => signingKey(pem)).toThrow('openssl genpkey -algorithm ed25519')
  expect(() => verifyingKey('no key')).toThrow('a key in PEM is right')
})
