/** Makes updates of the messages of a connection, which are the same by whatever it is carried [WP-1.1, WP-1.3]. */
import { type Event, type Gap, RESERVED_TYPES, type Welcome } from '@watchpost/protocol'
import { RemoteProblem } from '../remote-failure.ts'
import type { Update, WatchedEvent } from '../updates.ts'
import type { Progress } from './live.ts'

/** A message as it came. */
export interface Message {
  /** The cursor after it, empty if it does not say; only of an event, welcome, gap or bookmark is it asked for. */
  readonly cursor: string
  /** The text to show, if it is an event. */
  readonly json: string
  readonly body: MessageBody
}

/** What JSON messages are read as. */
export interface MessageBody {
  readonly type: string
  /** Of an answer, the id of its request. */
  readonly re?: string
  readonly data?: unknown
  readonly error?: RemoteError
}

interface RemoteError {
  readonly type?: string
  readonly message?: string
  readonly retryAfter?: number
}

/** The news of some messages: events together, each control message by itself. @throws RemoteProblem for `error` */
export function* updatesOf(messages: readonly Message[], progress: Progress): Generator<Update, void, void> {
  let events: WatchedEvent[] = []
  let cursor = progress.cursor ?? ''
  for (const message of messages.flatMap(singly)) {
    if (!RESERVED_TYPES.has(message.body.type)) {
      events.push({ event: message.body as Event, json: message.json })
      // An event that is not stored leaves the cursor where it is.
      if (message.cursor !== '') cursor = message.cursor
      continue
    }
    if (events.length > 0) yield { events, cursor }
    events = []
    yield* control(message, progress)
  }
  if (events.length > 0) yield { events, cursor }
}

/** The events of a message of several [WP-9.5], or the message itself. */
function singly(message: Message): readonly Message[] {
  if (message.body.type !== 'events') return [message]
  const { events } = message.body.data as { readonly events: readonly Event[] }
  return events.map((event) => ({ cursor: event.id, json: JSON.stringify(event), body: event }))
}

function* control({ cursor, body }: Message, progress: Progress): Generator<Update, void, void> {
  const { type, data, error = {} } = body
  if (type === 'error') {
    const { message: detail = 'The server ended the stream.', ...problem } = error
    throw new RemoteProblem(200, { type: '/problems/internal', ...problem, detail })
  }
  if (type === 'welcome') {
    progress.heartbeatMs = (data as Welcome).heartbeatMs
    progress.failures = 0
    progress.answered = true
  } else if (type === 'goodbye') {
    progress.retryMs = (data as { readonly retryAfter: number }).retryAfter * 1_000
  }
  if (cursor === '') return
  // Where a stream begins is said by `welcome`, where a subscription does by `subscribed`.
  if (type === 'welcome' || type === 'subscribed') yield { events: [], cursor }
  else if (type === 'gap') yield { events: [], cursor, gap: data as Gap }
  else if (type === 'bookmark') yield { events: [], cursor, caughtUp: true }
}
