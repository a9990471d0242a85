/** Events as the AsyncAPI document gives them for examples, which fit their schemas; others are made here. */
import { sampleOf } from './sample.ts'
import { isObject } from './schema.ts'
import { type TopicRow, topicOf } from './topics.ts'

let given: ReadonlyMap<string, unknown> = new Map()

const nameOf = (topic: string, type: string): string => `${topic} ${type}`

/** From now on takes those of this document. */
export function takeExamples(asyncapi: unknown): void {
  const components = isObject(asyncapi) && isObject(asyncapi['components']) ? asyncapi['components'] : {}
  const messages = isObject(components['messages']) ? Object.values(components['messages']) : []
  const found = new Map<string, unknown>()
  for (const message of messages) {
    const examples = isObject(message) && Array.isArray(message['examples']) ? (message['examples'] as unknown[]) : []
    const payload = isObject(examples[0]) ? examples[0]['payload'] : undefined
    if (isObject(payload) && 'id' in payload && typeof payload['topic'] === 'string') {
      found.set(nameOf(payload['topic'], String(payload['type'])), payload)
    }
  }
  given = found
}

/** An event of a type of a topic, as it is watched. */
export function exampleOf({ topic, keyed, events }: TopicRow, type: string): Readonly<Record<string, unknown>> {
  const one = topicOf(topic)
  const known = given.get(nameOf(one, type))
  if (isObject(known)) return known
  const key = keyed ? { key: 'text' } : {}
  const data = sampleOf(events[type] ?? true)
  return { type, topic: one, id: 'k7f2x.1042', ...key, data, timestamp: '2026-11-22T12:34:56.789Z' }
}

/** An event to begin a publish with; the server makes the key. */
export function newEventOf(row: TopicRow): object | undefined {
  const [type] = Object.keys(row.events)
  return type === undefined ? undefined : { type, data: exampleOf(row, type)['data'] }
}
