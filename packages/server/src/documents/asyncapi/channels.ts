/** Channels and operations: where messages go, and which way, as the server sees it. */
import type { Limits } from '@watchpost/protocol'
import type { TopicSchemas } from '../topics.ts'
import { inChannel, messagesOf } from './catalogue.ts'
import { onServer, type ServerName } from './servers.ts'

/** Members of the document, by the names that they have there. */
export interface Section {
  readonly channels: Readonly<Record<string, Bound & { readonly messages: object }>>
  readonly operations: Readonly<Record<string, Bound>>
}

/** What may say how it is done in its protocol, and for whom. */
export interface Bound {
  readonly bindings?: object
  readonly security?: readonly object[]
}

/** A channel and what is done on it, before they are put into the document. */
export interface ChannelParts {
  readonly name: string
  readonly address: string
  readonly server: ServerName
  readonly summary: string
  readonly description?: string
  /** Parameters of the address, and anything else that AsyncAPI's channel may have. */
  readonly more?: Bound
  readonly operations: Readonly<Record<string, OperationParts>>
}

/** What one operation is made of. */
export interface OperationParts {
  /** `send`: from the server to a client. */
  readonly action: 'send' | 'receive'
  readonly summary: string
  /** Names of messages in the catalogue. */
  readonly messages: readonly string[]
  /** Names of the messages that answer each of them. */
  readonly answers?: readonly string[]
  /** Bindings, security. */
  readonly more?: Bound
}

/** A channel has the messages of its operations. */
export function sectionOf({ name, address, server, operations, more, ...told }: ChannelParts): Section {
  const all = Object.values(operations)
  const messages = [...new Set(all.flatMap((operation) => [...operation.messages, ...(operation.answers ?? [])]))]
  const channel = { address, ...told, ...onServer(server), messages: messagesOf(messages), ...more }
  return {
    channels: { [name]: channel },
    operations: Object.fromEntries(
      Object.entries(operations).map(([operation, parts]) => [`${name}.${operation}`, operationOf(name, parts)]),
    ),
  }
}

function operationOf(channel: string, { action, summary, messages, answers, more }: OperationParts): Bound {
  const $ref = `#/channels/${channel}`
  return {
    ...{ action, channel: { $ref }, summary, messages: inChannel(channel, messages) },
    ...(answers && { reply: { channel: { $ref }, messages: inChannel(channel, answers) } }),
    ...more,
  }
}

/** What is known of a channel that is of one topic: the parameters of its address, and what the topic offers. */
export function topicMembers(schemas: TopicSchemas, { topicBytesMax }: Limits): object {
  const { topic, keyed, lifecycle } = schemas
  const names = [...topic.template.matchAll(/\{([^/]*)\}/g)].map(([, name = '']) => name)
  const parameters = names.map((name) => [
    name,
    { description: `One segment of the topic, which has at most ${topicBytesMax} bytes [WP-3.3].`, examples: [name] },
  ])
  return {
    ...(names.length > 0 && { parameters: Object.fromEntries(parameters) as object }),
    'x-topic': {
      topic: topic.template,
      ...(topic.version !== undefined && { version: topic.version }),
      ...{ keyed, transports: schemas.watch ? [...topic.transports] : [] },
      ...(lifecycle && { deprecated: lifecycle }),
    },
  }
}
