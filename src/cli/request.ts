import { v7 as uuidV7 } from 'uuid'
import type { StartRequest } from '../contract/request.ts'
import { parseParams } from './parse-options.ts'

export interface RequestOptions {
  readonly params?: string | undefined
  readonly param?: readonly string[] | undefined
  readonly requestKey?: string | undefined
}

/** The start request that a command produces. Without a key of the caller's own every call asks for another run. */
export function startRequest(backfill: string, options: RequestOptions, user: string | undefined): StartRequest {
  return {
    version: 1,
    type: 'start',
    requestKey: options.requestKey ?? `${backfill}/${uuidV7()}`,
    backfill,
    params: parseParams(options.params, options.param ?? []),
    ...(user === undefined || user === '' ? {} : { requestedBy: user }),
  }
}

/** Collects the values of an option that may be given several times. */
export const collect = (value: string, before: readonly string[] | undefined): string[] => [...(before ?? []), value]
