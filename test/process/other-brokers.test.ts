import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/process/config.ts'

const own = {
  ...{ KAFKA_BROKERS: 'own:9092', DATABASE_URL: 'postgres://user@host/database', KAFKA_CLIENT_ID: 'team' },
  ...{ KAFKA_SSL: 'true', KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'secret' },
}

describe('brokers that a definition names', () => {
  it('are reached as the variables beside theirs say, never with the password of our own', () => {
    const config = readConfig({ ...own, SHOP_KAFKA_BROKERS: 'shop-1:9092,shop-2:9092' })
    expect(config.brokers('SHOP_KAFKA_BROKERS')).toMatchObject({
      ...{ brokers: ['shop-1:9092', 'shop-2:9092'], ssl: false, sasl: undefined, clientId: 'team' },
    })
    const login = {
      SHOP_KAFKA_SASL_MECHANISM: 'scram-sha-256',
      SHOP_KAFKA_SASL_USERNAME: 'shop',
      SHOP_KAFKA_SASL_PASSWORD: 'x',
    }
    expect(readConfig({ ...own, ...login, SHOP_KAFKA_BROKERS: 'shop:1' }).brokers('SHOP_KAFKA_BROKERS').sasl).toEqual({
      ...{ mechanism: 'scram-sha-256', username: 'shop', password: 'x' },
    })
  })

  it.each([
    [{}, 'SHOP_KAFKA_BROKERS', 'SHOP_KAFKA_BROKERS, which is not set'],
    [{ SHOP: 'shop:1' }, 'SHOP', 'its name must end in _BROKERS'],
    [{ SHOP_KAFKA_BROKERS: 'shop' }, 'SHOP_KAFKA_BROKERS', 'SHOP_KAFKA_BROKERS is "shop": must be host:port'],
    [
      { SHOP_KAFKA_BROKERS: 'shop:1', SHOP_KAFKA_SASL_MECHANISM: 'plain' },
      'SHOP_KAFKA_BROKERS',
      'SHOP_KAFKA_SASL_MECHANISM is "plain" and needs SHOP_KAFKA_SASL_USERNAME',
    ],
  ])('are refused with the name of the variable (%o)', (env, variable, message) => {
    expect(() => readConfig({ ...own, ...env }).brokers(variable)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) }),
    )
  })
})
