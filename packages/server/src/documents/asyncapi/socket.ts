/** The channels of WebSockets: the one that carries any subscriptions, and those that begin with a topic [WP-4.1]. */
import type { RequestType } from '@watchpost/protocol'
import { ANSWERS } from '../messages.ts'
import { type OperationParts, type Section, sectionOf, topicMembers } from './channels.ts'
import type { ControlMessages } from './control.ts'
import type { Material, TopicMessages } from './material.ts'
import { socketBindings, topicSocketBindings } from './query.ts'
import { securityOf } from './security.ts'

/** What a WebSocket sends without being asked, beside events. */
const UNASKED = [
  'welcome',
  'bookmark',
  'gap',
  'snapshot',
  'events',
  'unsubscribed',
  'expiring',
  'goodbye',
  'error',
] as const

/** `/v1`: one socket, many subscriptions, and publishing too. */
export function multiplexed(material: Material): Section {
  const { control, topics, other } = material
  const events = topics.flatMap(({ watched }) => watched)
  const requested = topics.flatMap((topic) => topic.requested)
  return sectionOf({
    ...{ name: 'socket', address: '/v1', server: 'websocket', summary: 'A WebSocket for many topics' },
    description: 'Carries what is subscribed to, each subscription with a cursor of its own [WP-4.3].',
    more: { bindings: socketBindings() },
    operations: {
      send: {
        action: 'send',
        summary: 'Events of all subscriptions, and what is said of these and of the connection.',
        messages: [
          ...UNASKED.map((type) => control.socket[type]),
          ...deltas(material, events),
          ...events,
          other.watched,
        ],
      },
      ...requestsOf(control, control.socket, requested),
    },
  })
}

/** What a client may ask for on any WebSocket. `sent` names the messages that it is sent. */
function requestsOf(
  { requests, socket }: ControlMessages,
  sent: ControlMessages['socket'],
  publish: readonly string[],
): Readonly<Record<string, OperationParts>> {
  const receive = (type: RequestType, messages: readonly string[]): OperationParts => ({
    ...{ action: 'receive', summary: REQUESTS[type], messages },
    answers: [sent[ANSWERS[type]], socket.error],
  })
  return {
    subscribe: receive('subscribe', [requests.subscribe]),
    unsubscribe: receive('unsubscribe', [requests.unsubscribe]),
    ...(publish.length > 0 && { publish: receive('publish', publish) }),
    authenticate: receive('authenticate', [requests.authenticate]),
    ping: receive('ping', [requests.ping]),
  }
}

const REQUESTS: Readonly<Record<RequestType, string>> = {
  subscribe: 'Subscribes to a topic filter.',
  unsubscribe: 'Ends a subscription.',
  publish: 'Publishes an event.',
  authenticate: 'Gives the connection new credentials.',
  ping: 'Asks for a `pong`.',
}

/** Events may come as changes where a topic is keyed [WP-4.7]. */
const deltas = ({ topics, delta }: Material, events: readonly string[]): readonly string[] =>
  events.length > 0 && topics.some(({ topic, watched }) => topic.keyed && watched.length > 0) ? [delta] : []

/** A WebSocket that is subscribed to a topic from the start; none if the topic is not to be watched so. */
export function topicSocket(messages: TopicMessages, { documented, control, delta }: Material): Section {
  const { topic, watched, requested, socket } = messages
  const { limits, credentials } = documented
  if (socket === undefined) return { channels: {}, operations: {} }
  const sent = { ...control.socket, ...socket.about }
  const publish = [...requested, ...(socket.publish === undefined ? [] : [socket.publish])]
  return sectionOf({
    ...{ name: `${topic.name}.websocket`, address: `/v1/topics/${topic.topic.template}`, server: 'websocket' },
    summary: topic.topic.description ?? `Events of ${topic.topic.template}`,
    description: 'A WebSocket that is subscribed to the topic from the start. It takes all that the one on `/v1` does.',
    more: { ...topicMembers(topic, limits), bindings: topicSocketBindings(limits, topic.keyed) },
    operations: {
      watch: {
        ...{ action: 'send', summary: 'Events of the topic, and what is said of the connection.' },
        messages: [sent.subscribed, ...UNASKED.map((type) => sent[type]), delta, ...watched, socket.event],
        more: securityOf(credentials, topic, 'watch', 'ws'),
      },
      ...requestsOf(control, sent, publish),
    },
  })
}
