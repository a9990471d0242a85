/** The channels of HTTP: streams of Server-Sent Events, and publishing by POST. */
import { type OperationParts, type Section, sectionOf, topicMembers } from './channels.ts'
import type { Material, TopicMessages } from './material.ts'
import { publishBindings, streamBindings } from './query.ts'
import { securityOf } from './security.ts'

const NONE: Section = { channels: {}, operations: {} }

const STREAMED = 'Events as Server-Sent Events, and what is said of the stream [WP-3.8].'

/** `/v1/events`: a stream of several topics. */
export function streamOfSeveral({ documented, control, topics, other }: Material): Section {
  const streamed = [...topics.flatMap((topic) => topic.streamed), other.streamed]
  return sectionOf({
    ...{ name: 'events', address: '/v1/events', server: 'http', summary: 'Events of several topics' },
    operations: {
      watch: {
        ...{ action: 'send', summary: STREAMED, messages: [...Object.values(control.stream), ...streamed] },
        more: { bindings: streamBindings(documented.limits, true) },
      },
    },
  })
}

/** The stream of a topic, and publishing to it; none if neither can be. */
export function topicHttp(messages: TopicMessages, material: Material): Section {
  const { topic, streamed, posted } = messages
  const { limits, credentials } = material.documented
  if (streamed.length === 0 && posted.length === 0) return NONE
  const watch: OperationParts = {
    ...{ action: 'send', summary: STREAMED, messages: [...Object.values(material.control.stream), ...streamed] },
    more: { ...securityOf(credentials, topic, 'watch', 'http'), bindings: streamBindings(limits, false) },
  }
  const publish: OperationParts = {
    ...{ action: 'receive', summary: 'Publishes one event, or several together [WP-3.9].', messages: posted },
    answers: [material.receipt, material.problem],
    more: { ...securityOf(credentials, topic, 'publish', 'http'), bindings: publishBindings() },
  }
  return sectionOf({
    ...{ name: `${topic.name}.http`, address: `/v1/topics/${topic.topic.template}`, server: 'http' },
    summary: topic.topic.description ?? `Events of ${topic.topic.template}`,
    more: topicMembers(topic, limits),
    operations: {
      ...(streamed.length > 0 && { watch }),
      ...(posted.length > 0 && { publish }),
    },
  })
}
