import kafkajs from 'kafkajs'
import { patchRequestQueue } from './timer-patch.ts'

patchRequestQueue()

/**
 * Asks once, and gives up within seconds: for whoever waits for brokers that are only just starting. A broker that is
 * not admitted yet is not counted.
 */
export async function describeCluster(
  brokers: readonly string[],
): Promise<{ readonly brokers: number; readonly hasController: boolean }> {
  const kafka = new kafkajs.Kafka({
    clientId: 'tidemark-stack',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 2_000,
    retry: { retries: 0 },
  })
  const admin = kafka.admin()
  try {
    await admin.connect()
    const cluster = await admin.describeCluster()
    return { brokers: cluster.brokers.length, hasController: cluster.controller !== null && cluster.controller >= 0 }
  } finally {
    await admin.disconnect().catch(() => {})
  }
}
