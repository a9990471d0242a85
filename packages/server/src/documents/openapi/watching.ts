/** Watching by GET: page, long poll, stream and WebSocket, by what the request asks for [WP-3.5]. */
import { type JsonSchema, TRANSPORTS, type Transport } from '@watchpost/core'
import { refTo } from '../schemas.ts'
import type { Building, Node } from './building.ts'
import { cloudEventsPage, json } from './media.ts'
import type { OperationName } from './operations.ts'
import { type Parameter, parametersNamed } from './parameters.ts'
import { type HeaderName, headersNamed } from './responses.ts'
import { type Sample, samplePage, sampleStream } from './sample.ts'
import { switching } from './websocket.ts'

/** Of the routes on which a topic can be watched. */
export const ANY_TRANSPORT: ReadonlySet<Transport> = new Set(TRANSPORTS)

/** What is watched: its schemas, that of frames by its name, the transports that it offers, and an event of it. */
export interface Watched {
  readonly operation: Extract<OperationName, 'watchTopic' | 'watchEvents'>
  readonly transports: ReadonlySet<Transport>
  readonly page: JsonSchema
  readonly frame: string
  readonly sample: Sample | undefined
}

const HOW: Readonly<Record<Transport, string>> = {
  page: '- **Page**: the events after a cursor, at once.',
  'long-poll': '- **Long poll**, with `wait` or `Prefer: wait`: a page as soon as there is an event.',
  sse: '- **Stream**, with `Accept: text/event-stream`: Server-Sent Events, as they come.',
  websocket: '- **WebSocket**, with `Upgrade: websocket`: messages in both directions.',
}

/** How it can be watched, in words. */
export const watchingText = ({ transports }: Watched): string =>
  ['The request says how:', '', ...[...transports].map((transport) => HOW[transport])].join('\n')

/** The parameters that the transports have together. */
export function watchingParameters({ transports }: Watched): readonly Parameter[] {
  const isPaged = transports.has('page') || transports.has('long-poll')
  return parametersNamed(
    ...(['After', 'Last', 'LastEventId', 'LastEventIdQuery', 'LastEventIdDashed'] as const),
    ...(['Key', 'Type', 'Select', 'Present', 'Info'] as const),
    ...(isPaged ? (['Limit', 'IfNoneMatch'] as const) : []),
    ...(transports.has('long-poll') ? (['Wait', 'Prefer'] as const) : []),
    ...(transports.has('websocket') ? (['State', 'Delta'] as const) : []),
  )
}

/** The answers, with those of problems. */
export function watchingResponses({ media, problems }: Building, watched: Watched): Node {
  const { transports, sample } = watched
  const isPaged = transports.has('page') || transports.has('long-poll')
  const isStreamed = transports.has('sse')
  const content = {
    ...(isPaged && { ...json(watched.page, sample && samplePage(sample)), ...cloudEventsPage() }),
    ...(isStreamed && media.eventStream(refTo(watched.frame), sampleStream(sample))),
  }
  return {
    ...(transports.has('websocket') && { 101: switching() }),
    ...((isPaged || isStreamed) && {
      200: {
        description: [...(isPaged ? ['A page'] : []), ...(isStreamed ? ['a stream that goes on'] : [])].join(', or '),
        headers: headersNamed(...headersOf(transports)),
        content,
      },
    }),
    ...(isPaged && {
      304: {
        description: 'No news after the cursor in `If-None-Match`; `ETag` is the cursor to go on from.',
        headers: headersNamed(
          'CacheControl',
          'ETag',
          ...(transports.has('long-poll') ? (['PreferenceApplied'] as const) : []),
        ),
      },
    }),
    ...problems.of(watched.operation),
  }
}

const headersOf = (transports: ReadonlySet<Transport>): readonly HeaderName[] => [
  'CacheControl',
  ...(transports.has('page') || transports.has('long-poll') ? (['ETag', 'NextLink'] as const) : []),
  ...(transports.has('long-poll') ? (['PreferenceApplied'] as const) : []),
  ...(transports.has('sse') ? (['XAccelBuffering', 'ContentEncoding', 'Vary'] as const) : []),
]
