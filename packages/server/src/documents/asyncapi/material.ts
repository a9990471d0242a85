/** What the channels of a document are made of: all messages, each put into the catalogue once. */
import type { Documented } from '../documented.ts'
import type { Steps } from '../members.ts'
import { closed, refTo } from '../schemas.ts'
import type { TopicSchemas } from '../topics.ts'
import { Catalogue } from './catalogue.ts'
import { type ControlMessages, controlMessages } from './control.ts'
import { type SocketMessages, socketMessages } from './elsewhere.ts'
import { type EventMessages, eventMessages } from './events.ts'
import { answerBindings } from './query.ts'
import type { DocumentSchemas } from './schemas.ts'

/** A topic, and the names of its messages. */
export interface TopicMessages extends EventMessages {
  readonly topic: TopicSchemas
  /** Of the WebSocket that begins with the topic; absent if there is none. */
  readonly socket?: SocketMessages
}

/** All that channels are made of. Names of messages are those that they have in the catalogue. */
export interface Material {
  readonly documented: Documented
  readonly catalogue: Catalogue
  readonly control: ControlMessages
  readonly topics: readonly TopicMessages[]
  /** What answers a POST that was carried out, and one that was refused. */
  readonly receipt: string
  readonly problem: string
  /** An event that is told as a change. */
  readonly delta: string
  /** An event of a topic that the document does not tell of, on a WebSocket and as a frame of a stream. */
  readonly other: { readonly watched: string; readonly streamed: string }
}

/** A rule may open topics that nobody is told of beforehand [WP-3.12]. */
function otherEvents(catalogue: Catalogue, schemas: DocumentSchemas): Material['other'] {
  const told = schemas.topics.filter(({ watch }) => watch).map(({ name }) => refTo(name))
  const elsewhere = { type: 'object', properties: { topic: { not: { anyOf: told } } } }
  const summary = 'An event of a topic that is not told of here: a rule of the server opens it topic by topic.'
  const schema = schemas.add('OtherEvent', {
    ...{ description: summary, allOf: [refTo('AnyEvent'), ...(told.length > 0 ? [elsewhere] : [])] },
  })
  const parts = { type: 'other', summary, schema }
  const headers = closed('', { event: refTo('EventType'), id: refTo('Cursor') })
  return { watched: catalogue.put('other', parts), streamed: catalogue.put('other.sse', { ...parts, headers }) }
}

/** Puts all messages into a catalogue, and the schemas that are made for them to the others. */
export function* materialOf(documented: Documented, schemas: DocumentSchemas): Steps<Material> {
  const catalogue = new Catalogue()
  const parts = { catalogue, limits: documented.limits, schemas: schemas.all, addSchema: schemas.add }
  const general = {
    control: controlMessages(catalogue, schemas.all),
    delta: catalogue.put('delta', { type: 'delta', schema: 'Delta', summary: 'An event that is told as a change.' }),
    receipt: catalogue.put('receipt', { type: 'receipt', schema: schemas.receipt, bindings: answerBindings(201) }),
    other: otherEvents(catalogue, schemas),
    problem: catalogue.put('problem', { type: 'problem', schema: 'Problem', contentType: 'application/problem+json' }),
  }
  const topics: TopicMessages[] = []
  for (const topic of schemas.topics) {
    const events = eventMessages(topic, parts)
    const socket = events.watched.length > 0 && socketMessages(topic, catalogue, schemas)
    topics.push({ topic, ...events, ...(socket && { socket }) })
    yield
  }
  return { ...{ documented, catalogue, topics }, ...general }
}
