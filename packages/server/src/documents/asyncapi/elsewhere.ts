/** What a WebSocket that begins with a topic carries of others, once a client subscribes to these or publishes to them. */
import type { JsonSchema } from '@watchpost/core'
import { filtersOverlap } from '@watchpost/protocol'
import { anyOf, refTo } from '../schemas.ts'
import type { TopicSchemas } from '../topics.ts'
import type { Catalogue } from './catalogue.ts'
import { ABOUT_SUBSCRIPTIONS, aboutTopic } from './control.ts'
import { exampleTopic } from './events.ts'
import type { DocumentSchemas } from './schemas.ts'

/** Names of messages in the catalogue. */
export interface SocketMessages {
  /** What names a subscription, with examples of the topic. */
  readonly about: Readonly<Record<(typeof ABOUT_SUBSCRIPTIONS)[number], string>>
  /** Any event of another topic. */
  readonly event: string
  /** A request to publish to another topic; absent if the caller may publish to none. */
  readonly publish?: string
}

/** Puts them into the catalogue. The events of others are told in full where `/v1` is, and not for each topic again. */
export function socketMessages(topic: TopicSchemas, catalogue: Catalogue, schemas: DocumentSchemas): SocketMessages {
  const { name } = topic
  const others = refTo(schemas.add(`${name}.others`, { description: 'Another topic.', ...otherThan(topic, schemas) }))
  const put = (type: string, of: string, summary: string, narrower: JsonSchema, more: object): string => {
    const schema = schemas.add(`${name}.${type}`, { allOf: [refTo(of), narrower] })
    return catalogue.put(`${name}.${type}`, { ...{ type: type.replace(/^.*\./, ''), summary, schema }, ...more })
  }
  const mayPublish = schemas.topics.some((other) => other !== topic && other.publish)
  const example = { name: `${name}.about`, topic: exampleTopic(topic) }
  return {
    about: Object.fromEntries(
      ABOUT_SUBSCRIPTIONS.map((type) => [type, aboutTopic(catalogue, type, example)]),
    ) as SocketMessages['about'],
    event: put(
      ...(['elsewhere.other', 'AnyEvent', 'An event of another topic that was subscribed to.'] as const),
      { type: 'object', properties: { topic: others } },
      {},
    ),
    ...(mayPublish && {
      publish: put(
        ...(['elsewhere.publish', 'PublishRequest', 'Publishes to another topic.'] as const),
        { type: 'object', properties: { data: { type: 'object', properties: { topic: others } } } },
        { correlation: 'request' },
      ),
    }),
  }
}

/** Names that fall under another definition, be it that one more literal has them. */
function otherThan({ name, topic: { template } }: TopicSchemas, { topics }: DocumentSchemas): JsonSchema {
  if (!template.includes('{')) return { not: refTo(name) }
  const filterOf = (each: string): string => each.replaceAll(/\{[^/]*\}/g, '*')
  const own = filterOf(template)
  // The most literal ones come first.
  const before = topics.slice(
    0,
    Math.max(
      0,
      topics.findIndex((each) => each.name === name),
    ),
  )
  const [first, ...more] = before.filter(({ topic }) => filtersOverlap(own, filterOf(topic.template)))
  if (first === undefined) return { not: refTo(name) }
  const literal = anyOf(refTo(first.name), ...more.map((each) => refTo(each.name)))
  return { not: { allOf: [refTo(name), { not: literal }] } }
}
