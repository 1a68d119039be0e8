import { registerHooks } from 'node:module'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

let registered = false

/**
 * From here on, modules that this process loads get the very Tidemark that runs them by its name (another copy would
 * have other types and errors), and ours of zod where their folder has none. Calling it again changes nothing.
 */
export function resolveOwnName(): void {
  if (registered) return
  registered = true
  // .ts when run from the sources, .js when run from dist: both have the same folders.
  const extension = extname(fileURLToPath(import.meta.url))
  const entryUrl = (name: string): string => new URL(`../${name}${extension}`, import.meta.url).href
  const entries: ReadonlyMap<string, string> = new Map([
    ['tidemark', entryUrl('index')],
    ['tidemark/postgres', entryUrl('entry/postgres')],
    ['tidemark/kafka', entryUrl('entry/kafka')],
    ['tidemark/files', entryUrl('entry/files')],
    ['tidemark/client', entryUrl('entry/client')],
  ])
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const entry = entries.get(specifier)
      if (entry !== undefined) return { url: entry, shortCircuit: true }
      if (specifier !== 'zod' && !specifier.startsWith('zod/')) return nextResolve(specifier, context)
      try {
        return nextResolve(specifier, context)
      } catch (error) {
        if (!isNotFound(error)) throw error
        return nextResolve(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
}

const isNotFound = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
