import { messageOf, TerminalError } from '../contract/errors.ts'
import type { StartRequest } from '../contract/request.ts'
import type { Backfill, ParamsSchema } from '../define/define-backfill.ts'
import type { AnyRow } from '../define/row-schema.ts'
import { issueLines } from './issue-lines.ts'

/**
 * The params as the definition's own schema makes them. Throws TerminalError (PARAMS_INVALID) with every issue; a
 * field the schema does not know is one, unless the schema says what to do with such fields.
 */
export async function admitParams({ id, params }: Backfill, given: StartRequest['params']): Promise<AnyRow> {
  const parsed = await closed(params)
    .safeParseAsync(given)
    .catch((error: unknown) => {
      throw new TerminalError('PARAMS_INVALID', `params schema of backfill "${id}" failed: ${messageOf(error)}`, {
        cause: error,
      })
    })
  if (parsed.success) return parsed.data
  const reasons = issueLines(parsed.error, given, 'params')
  throw new TerminalError('PARAMS_INVALID', `params do not fit backfill "${id}": ${reasons.join('; ')}`, { reasons })
}

/** zod drops unknown fields by default; in a request they are most likely a typing error. */
export const closed = (schema: ParamsSchema): ParamsSchema =>
  schema.def.catchall === undefined ? schema.strict() : schema
