#!/usr/bin/env node
/**
 * The command line. Nothing but this is loaded before Node keeps what it compiles: five roles start at once, and what one
 * start has compiled the next one reads.
 */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

enableCompileCache()
const { runCommandLine } = await import('./command-line.ts')
await runCommandLine(fileURLToPath(import.meta.url))
