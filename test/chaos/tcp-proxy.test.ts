import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts'

/** A server that sends back what it gets, the proxy in front of it, and a client behind that. */
async function echoThrough(
  speaks: 'kafka' | 'postgres',
): Promise<{ proxy: TcpProxy; client: Socket; heard: Buffer[] }> {
  const heard: Buffer[] = []
  const server = createServer((socket) => {
    socket.on('data', (piece: Buffer) => {
      heard.push(piece)
      socket.write(piece)
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = await startTcpProxy((server.address() as AddressInfo).port, speaks)
  const client = connect(proxy.port, '127.0.0.1')
  client.on('error', () => {})
  await once(client, 'connect')
  onTestFinished(async () => {
    client.destroy()
    await proxy.stop()
    server.close()
  })
  return { proxy, client, heard }
}

const next = async (client: Socket): Promise<string> => String((await once(client, 'data'))[0])

test('what is sent comes through, and back', async () => {
  const { client } = await echoThrough('kafka')
  client.write('hello')
  expect(await next(client)).toBe('hello')
})

test('nothing passes while it is stalled, and everything does afterwards, in order', async () => {
  const { proxy, client, heard } = await echoThrough('kafka')
  client.write('before')
  await next(client)
  const stalled = proxy.stall()
  client.write('first')
  await new Promise((resolve) => client.write('second', resolve))
  expect(heard).toHaveLength(1)
  stalled.go()
  let back = ''
  while (back.length < 'firstsecond'.length) back += await next(client)
  expect(back).toBe('firstsecond')
})

test('a delay holds every piece up', async () => {
  const { proxy, client } = await echoThrough('kafka')
  proxy.delay(30)
  const began = performance.now()
  client.write('slow')
  await next(client)
  expect(performance.now() - began).toBeGreaterThanOrEqual(55)
})

test('a cut ends the open connections, and new ones are let through', async () => {
  const { proxy, client } = await echoThrough('kafka')
  client.write('hello')
  await next(client)
  const closed = once(client, 'close')
  expect(proxy.cut()).toBe(1)
  await closed
  const again = connect(proxy.port, '127.0.0.1')
  again.write('again')
  expect(await next(again)).toBe('again')
  again.destroy()
})

test('a cut at COMMIT lets the server have it, and the client no answer', async () => {
  const { proxy, client, heard } = await echoThrough('postgres')
  const framed = (type: string, text: string): Buffer => {
    const head = Buffer.alloc(type.length + 4)
    head.write(type)
    head.writeInt32BE(text.length + 5, type.length)
    return Buffer.concat([head, Buffer.from(`${text}\0`)])
  }
  client.write(framed('', 'start'))
  await next(client)
  const cut = new Promise<void>((resolve) => proxy.cutAtCommit(resolve))
  let answers = 0
  client.on('data', () => (answers += 1))
  const closed = once(client, 'close')
  client.write(framed('Q', 'commit'))
  await Promise.all([cut, closed])
  await expect.poll(() => Buffer.concat(heard).includes('commit')).toBe(true)
  expect(answers).toBe(0)
})
