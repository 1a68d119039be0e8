import type { Command } from '@commander-js/extra-typings'
import { messageOf, TerminalError } from '../contract/errors.ts'
import { readText, throwUnlessEqual } from './certify.ts'
import type { CommandContext } from './context.ts'

const vouched = {
  digest: 'it is as it was made; nobody signed it',
  'own key': 'it is as it was made, and signed with the key that it names: give --public-key to know whose that is',
  'given key': 'it is as it was made, and signed with the key that was given',
} as const

/** `tidemark verify`: whether a certificate is as it was made, anywhere and without any server. */
export function addVerify(program: Command, context: CommandContext): void {
  program
    .command('verify')
    .description('check that a certificate was not changed, and who signed it; needs no server')
    .argument('<file>', 'the certificate, as "tidemark certify --out" wrote it')
    .option('--public-key <file>', 'key that must have signed it: Ed25519, in PEM')
    .option('--json', 'one JSON document on stdout')
    .action(async (file, { publicKey, json }) => {
      const [{ unsealed, verifyingKey }, { certificateText }] = await Promise.all([
        import('../certify/seal.ts'),
        import('./certificate-text.ts'),
      ])
      const key = publicKey === undefined ? null : verifyingKey(readText(context, publicKey))
      const { sealed, voucher } = unsealed(readJson(context, file), key)
      if (json) context.output.json({ ...sealed, voucher })
      else context.output.data(`${certificateText(sealed)}\n\n${vouched[voucher]}`)
      throwUnlessEqual(sealed)
    })
}

function readJson(context: CommandContext, file: string): unknown {
  const text = readText(context, file)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new TerminalError('CERTIFICATE_INVALID', `${file} is no JSON: ${messageOf(error)}`)
  }
}
