import { z } from 'zod'
import { Count } from '../contract/certificate.ts'
import type { PinnedFile } from '../contract/plan.ts'

/** Finds the rows of a partition in its file, and tells whether the file is still the one that was planned. */
export const FileLocator = z.object({
  path: z.string(),
  bytes: Count,
  modifiedMs: z.number(),
  /** Position of the file's first row (or byte), counted through all files. */
  firstPosition: Count,
})
export type FileLocator = z.infer<typeof FileLocator>

export function fileLocator(file: Omit<PinnedFile, 'rowGroups'>, firstPosition: number): FileLocator {
  return { path: file.path, bytes: file.bytes, modifiedMs: file.modifiedMs, firstPosition }
}
