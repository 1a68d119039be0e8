#!/usr/bin/env node
// Plain JavaScript, so that it can say what is wrong on a Node that cannot load the rest.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`tidemark needs Node 22.18 or newer; this is ${process.version} (${process.execPath})`)
  process.exit(2)
}
// A clone runs its sources: a forgotten build must not hide them. The package on the registry has no sources.
const source = new URL('../src/cli/main.ts', import.meta.url)
await import(existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url))
