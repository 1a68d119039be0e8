import kafkajs, { type Message, type ProducerBatch } from 'kafkajs'

/**
 * From here on, in this process, the first event of this type that a producer sends is acknowledged and never sent: as if
 * the brokers had lost it after they had acknowledged it.
 */
export function loseEvent(type: string): void {
  const kafka = kafkajs.Kafka.prototype
  const create = kafka.producer
  const name = `dev.tidemark.${type}.v1`
  let isLost = false
  const keep = ({ headers }: Message): boolean => {
    if (isLost || headers?.['ce_type'] !== name) return true
    isLost = true
    return false
  }
  kafka.producer = function (this: kafkajs.Kafka, ...options) {
    const producer = create.apply(this, options)
    const sendBatch = async (batch: ProducerBatch): ReturnType<typeof producer.sendBatch> => {
      const topicMessages = (batch.topicMessages ?? [])
        .map(({ topic, messages }) => ({ topic, messages: messages.filter(keep) }))
        .filter(({ messages }) => messages.length > 0)
      return topicMessages.length === 0 ? [] : producer.sendBatch({ ...batch, topicMessages })
    }
    return { ...producer, sendBatch }
  }
}
