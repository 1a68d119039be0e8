import { expect, test } from 'vitest'
import { quoteIdentifier, tableName } from '../../src/postgres/identifier.ts'

test('a table without schema is public’s; names stay as they are', () => {
  expect(tableName('orders')).toEqual({ schema: 'public', table: 'orders', sql: '"public"."orders"' })
  expect(tableName('Sales.Orders v2')).toEqual({ schema: 'Sales', table: 'Orders v2', sql: '"Sales"."Orders v2"' })
})

test('no name ends its quotes', () => {
  expect(quoteIdentifier('a"; drop table b; --')).toBe('"a""; drop table b; --"')
})
