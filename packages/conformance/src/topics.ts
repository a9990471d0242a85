/** The topics that a server must define to be tested. Their members are those of a topic definition [WP-6.2]. */
import type { TransportName } from './driver.ts'
import { TRANSPORT_NAMES } from './driver.ts'

type JsonSchema = Readonly<Record<string, unknown>>

export interface SuiteTopic {
  /** JSON Schemas of `data` by event type, marked where its events are not stored. */
  readonly events: Readonly<Record<string, JsonSchema | { readonly ephemeral: true; readonly schema: JsonSchema }>>
  readonly key?: string
  readonly watch?: 'anyone'
  readonly publish?: 'anyone'
  readonly retention?: { readonly events: number }
  readonly presence?: boolean
  readonly transports?: readonly TransportName[]
}

/** How many events the topics of `short` keep. */
export const KEPT_EVENTS = 5

const events = { line: {}, note: {}, word: {} }
const open = { watch: 'anyone', publish: 'anyone' } as const

/** `{run}` is another one for each case, so that cases never see each other's events. */
export const SUITE_TOPICS: Readonly<Record<string, SuiteTopic>> = {
  'free/{run}/{name}': { events, ...open },
  'free/{run}/{name}/{part}': { events, ...open },
  'short/{run}/{name}': { events, retention: { events: KEPT_EVENTS }, ...open },
  'room/{run}/{name}': {
    events: { ...events, typing: { ephemeral: true, schema: { type: 'object', required: ['who'] } } },
    presence: true,
    ...open,
  },
  'keyed/{run}/{name}': {
    events: { price: { type: 'object', required: ['symbol'], properties: { symbol: { type: ['string', 'number'] } } } },
    key: '/symbol',
    ...open,
  },
  ...Object.fromEntries(
    TRANSPORT_NAMES.map((name): [string, SuiteTopic] => {
      const transports = TRANSPORT_NAMES.filter((other) => other !== name)
      return [`without-${name}/{run}`, { events, transports, ...open }]
    }),
  ),
  'hidden/{run}': { events },
  'publish-only/{run}': { events, publish: 'anyone' },
  'watch-only/{run}': { events, watch: 'anyone' },
}
