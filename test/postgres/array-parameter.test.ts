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

test('what its column cannot hold is named', () => {
  expect(() => arrayParameter('partition_id', 'uuid', ['nonsense'])).toThrow(RowError)
  expect(() => arrayParameter('message', 'text', ['a\0b'])).toThrow('column "message" is text')
})
