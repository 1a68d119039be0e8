import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFolder } from '../../src/stack/folder-lock.ts'
import { lookUpProcess } from '../../src/stack/process-table.ts'
import { eventually } from '../support/eventually.ts'

let folder: string
const never = new AbortController().signal
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'folder-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const holdBy = (pid: number, startedAtMs: number): void =>
  writeFileSync(join(folder, 'stack.lock'), JSON.stringify({ pid, startedAtMs }))

test('a folder has one holder at a time', async () => {
  const release = await lockFolder(folder, never)
  await expect(lockFolder(folder, never)).rejects.toMatchObject({ code: 'STACK_UNAVAILABLE' })
  release()
  const again = await lockFolder(folder, never)
  again()
})

test('the lock of a live process is respected, and the error names it', async () => {
  const parent = process.ppid
  holdBy(parent, lookUpProcess(parent)?.startedAtMs ?? 0)
  await expect(lockFolder(folder, never)).rejects.toThrow(`belong to process ${parent}, which is alive`)
})

test('the lock of a process whose id now is somebody else’s is taken over', async () => {
  holdBy(process.ppid, 1_000)
  const release = await lockFolder(folder, never)
  release()
})

test('a lock cut short by a kill is taken over', async () => {
  writeFileSync(join(folder, 'stack.lock'), '{"pid":')
  const release = await lockFolder(folder, never)
  release()
})

test('it waits for the servers that a killed process left', async () => {
  // Named as Postgres is, in the process table.
  const server = spawn(process.execPath, ['-e', 'process.title = "postgres"; setInterval(() => {}, 1000)'])
  try {
    const pid = server.pid ?? 0
    await eventually('the server is up', async () => (lookUpProcess(pid)?.command === 'postgres' ? true : undefined))
    mkdirSync(join(folder, 'postgres'))
    writeFileSync(join(folder, 'postgres', 'postgres.pid'), `${pid}\n`)
    let locked = false
    const locking = lockFolder(folder, never).then((release) => {
      locked = true
      return release
    })
    await eventually('the lock is written', async () => (lookUpProcess(pid) === undefined ? undefined : true))
    expect(locked).toBe(false)
    server.kill('SIGKILL')
    const release = await locking
    release()
  } finally {
    server.kill('SIGKILL')
  }
})
