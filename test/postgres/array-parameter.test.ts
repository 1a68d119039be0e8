import { expect, test } from 'vitest'
import { arrayParameter } from '../../src/postgres/array-parameter.ts'
import { RowError } from '../../src/sink/sink.ts'

test('an array is its header, then each element behind its length', () => {
  expect(arrayParameter('n', 'bigint', [1, null, -2n]).toString('hex')).toBe(
    ['00000001', '00000001', '00000014', '00000003', '00000001']
      .concat(['00000008', '0000000000000001'], ['ffffffff'], ['00000008', 'fffffffffffffffe'])
      .join(''),
  )
  expect(arrayParameter('n', 'bigint', []).toString('hex')).toBe('000000000000000000000014')
})

test('jsonb is its text behind the version of its form', () => {
  const parameter = arrayParameter('event', 'jsonb', ['{"a":"ü"}', undefined])
  expect(parameter.subarray(20).toString('latin1')).toBe(
    `\0\0\0\x0b\x01${Buffer.from('{"a":"ü"}').toString('latin1')}\xff\xff\xff\xff`,
  )
})

test('json is its text, and nothing that no text of the server can hold', () => {
  const text = JSON.stringify({ a: 'ü\n', b: '\\u0000', c: '\u0001' })
  expect(arrayParameter('event', 'json', [text]).subarray(24).toString('utf8')).toBe(text)
  for (const wrong of ['a\0b', '\\\0', '\ud800', 'x\udfff', '\ud800\ud800'])
    expect(() => arrayParameter('event', 'json', [JSON.stringify({ wrong })])).toThrow(
      /column "event" is json: it has \\u/,
    )
  expect(() => arrayParameter('event', 'json', [JSON.stringify({ right: '😀' })])).not.toThrow()
})

test('what its column cannot hold is named', () => {
  expect(() => arrayParameter('partition_id', 'uuid', ['nonsense'])).toThrow(RowError)
  expect(() => arrayParameter('message', 'text', ['a\0b'])).toThrow('column "message" is text')
})

test('uuids are their bytes, however they are written', () => {
  const bytes = '018f3c6e7b1a7c3d9e4f5a6b7c8d9e0f'
  const plain = '018f3c6e-7b1a-7c3d-9e4f-5a6b7c8d9e0f'
  for (const written of [plain, plain.toUpperCase(), bytes])
    expect(arrayParameter('id', 'uuid', [written]).toString('hex').slice(48)).toBe(bytes)
  for (const wrong of [plain.replace('-', ' '), plain.replace('a', 'g'), plain.replace('a', 'ä'), `${plain}0`])
    expect(() => arrayParameter('id', 'uuid', [wrong])).toThrow(RowError)
})
