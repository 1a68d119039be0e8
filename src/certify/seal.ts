import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import canonicalize from 'canonicalize'
import { z } from 'zod'
import { messageOf, TerminalError } from '../contract/errors.ts'
import { type Certificate, SealedCertificate } from '../contract/run-certificate.ts'

/** A certificate with its digest, and signed where there is a key: Ed25519 over the digest's 32 bytes. */
export function sealed(certificate: Certificate, privateKey: KeyObject | null): SealedCertificate {
  const digest = digestOf(certificate)
  return {
    certificate,
    digest: digest.toString('hex'),
    signature: privateKey === null ? null : signed(digest, privateKey),
  }
}

/** Who vouches for a certificate. */
export type Voucher =
  /** Nobody: it is as it was sealed, by whoever that was. */
  | 'digest'
  /** The key that the certificate itself names; whose that is, is not known. */
  | 'own key'
  /** The key that was given. */
  | 'given key'

/**
 * Reads a certificate and checks that it was not changed since it was sealed; with `publicKey`, that this key signed it.
 * Throws TerminalError (CERTIFICATE_INVALID) that says what is wrong.
 */
export function unsealed(
  json: unknown,
  publicKey: KeyObject | null,
): { readonly sealed: SealedCertificate; readonly voucher: Voucher } {
  const read = SealedCertificate.safeParse(json)
  if (!read.success) throw invalid(`it is no certificate: ${z.prettifyError(read.error).replaceAll(/\s+/g, ' ')}`)
  const { certificate, digest, signature } = read.data
  // Of what was given, not of what was read: a field that nobody knows is a change too.
  const given = (json as { certificate: unknown }).certificate
  if (digestOf(given).toString('hex') !== digest)
    throw invalid(`it was changed since it was made: its digest is not ${digest}`)
  if (signature === null) {
    if (publicKey !== null) throw invalid('it is not signed, and a key was given to check its signature with')
    return { sealed: { certificate, digest, signature }, voucher: 'digest' }
  }
  const own = readKey('its own public key', () =>
    createPublicKey({ key: Buffer.from(signature.publicKey, 'base64'), format: 'der', type: 'spki' }),
  )
  const by = publicKey ?? own
  if (!verify(null, Buffer.from(digest, 'hex'), by, Buffer.from(signature.value, 'base64')))
    throw invalid(
      `its signature is not made with ${publicKey === null ? 'the key it names' : 'the key that was given'}`,
    )
  return { sealed: { certificate, digest, signature }, voucher: publicKey === null ? 'own key' : 'given key' }
}

/** A PEM text as the key that signs. Throws TerminalError (CONFIG_INVALID). */
export function signingKey(pem: string): KeyObject {
  return ed25519('the signing key', () => createPrivateKey(pem))
}

/** A PEM text, of the public or the private key, as the key that verifies. Throws TerminalError (CONFIG_INVALID). */
export function verifyingKey(pem: string): KeyObject {
  return ed25519('the public key', () => createPublicKey(pem))
}

function ed25519(what: string, read: () => KeyObject): KeyObject {
  const key = readKey(what, read)
  if (key.asymmetricKeyType === 'ed25519') return key
  throw new TerminalError(
    'CONFIG_INVALID',
    `${what} is of type ${key.asymmetricKeyType}: "openssl genpkey -algorithm ed25519" makes one that is right`,
  )
}

function readKey(what: string, read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch (error) {
    throw new TerminalError('CONFIG_INVALID', `${what} cannot be read: ${messageOf(error)}; a key in PEM is right`)
  }
}

const signed = (digest: Buffer, privateKey: KeyObject): NonNullable<SealedCertificate['signature']> => ({
  algorithm: 'ed25519',
  publicKey: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).toString('base64'),
  value: sign(null, digest, privateKey).toString('base64'),
})

const digestOf = (certificate: unknown): Buffer =>
  createHash('sha256')
    .update(canonicalize(certificate) ?? '')
    .digest()

const invalid = (why: string): TerminalError => new TerminalError('CERTIFICATE_INVALID', why)
