/**
 * The table of limits [WP-8.1]: everything that a client can make grow has a row here, and what is over it is refused,
 * never silently cut. The names are the keys of `limits` in a configuration.
 */
import type { ProblemName } from './problems.ts'

/** One row of {@link LIMITS}. `over` says what happens to whatever is over the bound. */
export interface LimitRow {
  readonly default: number
  /** The lowest value that a configuration may choose, where it is not 1. */
  readonly min?: number
  /** The highest value that a configuration may choose, where the storage or the wire sets one. */
  readonly max?: number
  readonly over: ProblemName | 'read from the log' | 'disconnected' | 'split' | 'missed' | 'told later' | 'gone'
  readonly why: string
}

const row = (
  value: number,
  over: LimitRow['over'],
  why: string,
  bounds: Pick<LimitRow, 'min' | 'max'> = {},
): LimitRow => ({ default: value, ...bounds, over, why })

export type LimitName =
  | 'eventBytesMax'
  | 'eventDepthMax'
  | 'publishBytesMax'
  | 'publishEventsMax'
  | 'publishingBytesMax'
  | 'sockets'
  | 'connections'
  | 'connectionsPerIdentity'
  | 'connectionsPerAddress'
  | 'handshakesPerSecond'
  | 'refusalsPerSecond'
  | 'publishesPerSecond'
  | 'subscriptionsPerConnection'
  | 'messagesPerSecond'
  | 'messagesBurst'
  | 'messageBytesMax'
  | 'answeringBytesMax'
  | 'bufferedBytesMax'
  | 'stalledMs'
  | 'pageEventsMax'
  | 'pageBytesMax'
  | 'waitSecondsMax'
  | 'lastMax'
  | 'filtersMax'
  | 'selectBytesMax'
  | 'topicsMax'
  | 'topicBytesMax'
  | 'topicSegmentsMax'
  | 'typeBytesMax'
  | 'keyBytesMax'
  | 'cursorBytesMax'
  | 'idempotencyKeyBytesMax'
  | 'ephemeralEventsMax'
  | 'ephemeralBytesMax'
  | 'ephemeralMs'
  | 'presenceTopicsMax'
  | 'presenceInfoBytesMax'
  | 'presenceGraceMs'
  | 'presenceEveryMs'
  | 'headerBytesMax'
  | 'slowBodyMs'
  | 'idleHttpMs'

export const LIMITS: Readonly<Record<LimitName, LimitRow>> = {
  eventBytesMax: row(65_536, 'message-too-large', 'one event as JSON; a larger thing belongs behind a link'),
  eventDepthMax: row(100, 'invalid-event', 'how deep `data` may nest; checking, selecting and most readers recurse', {
    max: 1_000,
  }),
  publishBytesMax: row(4_194_304, 'message-too-large', 'the body of one publish, which is held in memory whole'),
  publishEventsMax: row(10_000, 'message-too-large', 'the events of one publish, which are one transaction'),
  publishingBytesMax: row(
    268_435_456,
    'overloaded',
    'the bodies of all publishes that one process holds at a time, of which one holder or address may have half',
  ),
  sockets: row(25_000, 'disconnected', 'open sockets of one process, whatever they carry'),
  connections: row(
    20_000,
    'reach-maximum-connections',
    'live streams, WebSockets and waiting long polls of one process',
  ),
  connectionsPerIdentity: row(1_000, 'reach-maximum-connections', 'those of one subject, from wherever it connects'),
  connectionsPerAddress: row(
    200,
    'reach-maximum-connections',
    'those of one address, or of one IPv6 network of 64 bits, whoever they are for',
  ),
  handshakesPerSecond: row(
    50,
    'rate-limited',
    'new streams, WebSockets and polls that have to wait, of one address; as many at once as in a second',
  ),
  refusalsPerSecond: row(
    20,
    'rate-limited',
    'credentials from one address that are refused, as many at once as in a second; past it, tokens from there are not checked unless they were good before',
  ),
  publishesPerSecond: row(
    1_000,
    'rate-limited',
    'publishes of one subject, or of one address of the anonymous, however many events each has; as many at once as in a second',
  ),
  subscriptionsPerConnection: row(128, 'reach-maximum-subscriptions', 'subscriptions of one WebSocket'),
  messagesPerSecond: row(
    50,
    'rate-limited',
    'messages of one WebSocket client in the long run; reading each costs time',
  ),
  messagesBurst: row(100, 'rate-limited', 'messages that a WebSocket client may send at once, after a pause'),
  messageBytesMax: row(1_048_576, 'disconnected', 'one message from a WebSocket client, also once it is inflated'),
  answeringBytesMax: row(
    268_435_456,
    'overloaded',
    'the answers of one process that wait for their clients to take them, of which one address may have an eighth',
  ),
  bufferedBytesMax: row(
    1_048_576,
    'read from the log',
    'bytes that wait in memory for one client; past it the client reads the log at its own pace; at least 65,536',
    { min: 65_536 },
  ),
  stalledMs: row(300_000, 'disconnected', 'a client that takes no byte for so long holds its socket for nothing'),
  pageEventsMax: row(1_000, 'invalid-parameter', 'the highest `limit` of a page'),
  pageBytesMax: row(4_194_304, 'split', 'a page ends early, with `more: true`, rather than grow past this'),
  waitSecondsMax: row(60, 'invalid-parameter', 'the highest `wait`; proxies cut requests that are silent for longer'),
  lastMax: row(1_000, 'invalid-parameter', 'the highest `last`'),
  filtersMax: row(128, 'invalid-parameter', 'topic filters, keys, types or pointers of one request'),
  selectBytesMax: row(255, 'invalid-parameter', 'one pointer of a view, which is remembered as long as it is watched'),
  topicsMax: row(
    100_000,
    'reach-maximum-topics',
    'topics of the log, from which on a template makes no more: each is remembered for good, also when its events are gone',
    { max: 4_294_967_295 },
  ),
  topicBytesMax: row(255, 'invalid-parameter', 'a topic is a key of the log', { max: 255 }),
  topicSegmentsMax: row(16, 'invalid-parameter', 'bounds what matching a filter costs', { max: 64 }),
  typeBytesMax: row(128, 'invalid-event', 'an event type is a word, not a text', { max: 255 }),
  keyBytesMax: row(255, 'invalid-event', 'an event key is a key of the log', { max: 1_024 }),
  cursorBytesMax: row(64, 'invalid-cursor', 'a cursor travels in headers and URLs', { max: 64 }),
  idempotencyKeyBytesMax: row(255, 'invalid-parameter', 'kept for 24 hours with each publish', { max: 255 }),
  ephemeralEventsMax: row(
    10_000,
    'missed',
    'ephemeral events that the log holds for the other processes on it, which take them at once unless they are too busy',
  ),
  ephemeralBytesMax: row(16_777_216, 'missed', 'those as JSON'),
  ephemeralMs: row(5_000, 'missed', 'how long the log holds each of them'),
  presenceTopicsMax: row(
    50_000,
    'missed',
    'topics that tell who is present, as far as templates make them; past it, who comes to a new one is not told of. A topic that nobody is in is forgotten after some minutes',
  ),
  presenceInfoBytesMax: row(
    1_024,
    'invalid-parameter',
    'what a member tells of itself, which everyone who watches is sent',
  ),
  presenceGraceMs: row(
    5_000,
    'gone',
    'how long somebody whose connection ended is still here; connecting again takes some seconds',
  ),
  presenceEveryMs: row(250, 'told later', 'who comes and goes within so long is told of together'),
  headerBytesMax: row(16_384, 'headers-too-large', 'the request line and all headers'),
  slowBodyMs: row(30_000, 'request-timeout', 'a request must have arrived whole by then'),
  idleHttpMs: row(65_000, 'disconnected', 'a kept-alive connection without a request; above the 60 s of most proxies'),
}

export type Limits = { readonly [name in LimitName]: number }

/** The defaults of {@link LIMITS}, with what a configuration overrides. */
export function limitsWith(overrides: Partial<Limits> = {}): Limits {
  const names = Object.keys(LIMITS) as LimitName[]
  return Object.fromEntries(names.map((name) => [name, overrides[name] ?? LIMITS[name].default])) as Limits
}
