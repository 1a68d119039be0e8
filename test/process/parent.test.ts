import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'

const module = new URL('../../src/process/parent.ts', import.meta.url).href

/** A process that runs this script beside the module: what it says, and the process. */
function start(script: string, ipc: 'ipc' | 'ignore'): { child: ChildProcess; said: Promise<string> } {
  const code = `import { connectParent } from ${JSON.stringify(module)}\n${script}`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit', ipc],
  })
  if (child.stdout === null) throw new Error('it has no output')
  return { child, said: text(child.stdout) }
}

const tellWhenGone = "connectParent(process).gone.addEventListener('abort', () => console.log('gone'))"

test('a parent that ends is noticed', async () => {
  const { child, said } = start(`${tellWhenGone}; process.send('here')`, 'ipc')
  await once(child, 'message')
  child.disconnect()
  expect(await said).toBe('gone\n')
})

test('a parent that ended while this process was loading is noticed', async () => {
  const { child, said } = start(`process.once('disconnect', () => { ${tellWhenGone} }); process.send('here')`, 'ipc')
  await once(child, 'message')
  child.disconnect()
  expect(await said).toBe('gone\n')
})

test('a process that was started by hand has none', async () => {
  expect(await start('console.log(connectParent(process))', 'ignore').said).toBe('undefined\n')
})
