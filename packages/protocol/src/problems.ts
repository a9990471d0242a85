/**
 * The table of problems [WP-5.1]: every error that a client can meet, with what each transport makes of it.
 * Documents, problem pages and status codes are derived from these rows, so that they can't disagree.
 */

/** One row of {@link PROBLEMS}. `fix` is addressed to whoever reads the problem's page. */
export interface ProblemRow {
  readonly status: number
  /** The code that a WebSocket is closed with after it; absent if the connection goes on. */
  readonly close?: number
  readonly title: string
  readonly retry: 'no' | 'later' | 'elsewhere' | 'from earliest' | 'with a new token'
  readonly when: string
  readonly fix: string
}

const row = (
  status: number,
  title: string,
  retry: ProblemRow['retry'],
  when: string,
  fix: string,
  close?: number,
): ProblemRow => ({ status, title, retry, when, fix, ...(close !== undefined && { close }) })

export type ProblemName =
  | 'unauthorized'
  | 'token-expired'
  | 'forbidden'
  | 'unknown-topic'
  | 'not-keyed'
  | 'not-found'
  | 'unsupported-version'
  | 'method-not-allowed'
  | 'transport-not-offered'
  | 'request-timeout'
  | 'idempotency-conflict'
  | 'cursor-expired'
  | 'message-too-large'
  | 'unsupported-media-type'
  | 'invalid-message'
  | 'invalid-parameter'
  | 'invalid-cursor'
  | 'invalid-event'
  | 'upgrade-required'
  | 'reach-maximum-connections'
  | 'reach-maximum-subscriptions'
  | 'reach-maximum-topics'
  | 'rate-limited'
  | 'headers-too-large'
  | 'internal'
  | 'going-away'
  | 'log-unavailable'
  | 'overloaded'

export const PROBLEMS: Readonly<Record<ProblemName, ProblemRow>> = {
  unauthorized: row(
    401,
    'Unauthorized access',
    'no',
    'The request carries no credentials, or ones that are not valid, and the topic asks for some.',
    'Send valid credentials, or ask the operator to open the topic: `watch: "anyone"` or `publish: "anyone"`.',
    4401,
  ),
  'token-expired': row(
    401,
    'Token expired',
    'with a new token',
    'The credentials were valid once, and are past their end.',
    'Get a new token and send it: with the next request, or on a live connection before the old one ends.',
    4401,
  ),
  forbidden: row(
    403,
    'Forbidden',
    'no',
    'The identity may see this topic, but not do this with it; or an admin ended the connection.',
    'Ask the operator for the right. A topic that you may not see at all answers `unknown-topic` instead.',
    4403,
  ),
  'unknown-topic': row(
    404,
    'Unknown topic',
    'no',
    'No topic definition matches this name, or you may not see it.',
    '`GET /v1/topics` lists the topics that you may watch or publish to.',
  ),
  'not-keyed': row(
    404,
    'Topic has no state',
    'no',
    'The state was asked of a topic that has no key.',
    'Watch the topic instead, or give its definition a `key`.',
  ),
  'not-found': row(
    404,
    'Not found',
    'no',
    'Nothing is served at this path.',
    'See PROTOCOL.md for the paths; everything versioned begins with `/v1/`.',
  ),
  'unsupported-version': row(
    404,
    'Unsupported version',
    'no',
    'The version in the path is not one that this server speaks.',
    'Use one of the versions that `versions` lists.',
  ),
  'method-not-allowed': row(
    405,
    'Method not allowed',
    'no',
    'The path exists, but not for this method.',
    'Use one of the methods in the `Allow` header.',
  ),
  'transport-not-offered': row(
    406,
    'Transport not offered',
    'no',
    'The topic does not offer the transport that the request asks for.',
    'Use one of the transports that `transports` lists.',
  ),
  'request-timeout': row(
    408,
    'Request took too long',
    'later',
    'The request did not arrive whole within `slowBodyMs`.',
    'Send the body at once; split a large publish into several.',
  ),
  'idempotency-conflict': row(
    409,
    'Idempotency key was used for another body',
    'no',
    'The same `Idempotency-Key` came with another body within 24 hours.',
    'Use a new key for a new publish; repeat the body byte for byte when you retry one.',
  ),
  'cursor-expired': row(
    410,
    'Cursor expired',
    'from earliest',
    'Events after this cursor are no longer kept, or it belongs to a log that was replaced.',
    'Go on from the cursor in `earliest`; where the topic has a `state`, load that first.',
  ),
  'message-too-large': row(
    413,
    'Message too large',
    'no',
    'An event or a publish is over its bound in bytes or in count.',
    'Publish in smaller parts, or keep the large thing elsewhere and publish a link to it.',
    1009,
  ),
  'unsupported-media-type': row(
    415,
    'Unsupported media type',
    'no',
    'The `Content-Type` of a publish is not one that this server reads.',
    'Use `application/json`, `application/x-ndjson`, `application/cloudevents+json` or `application/cloudevents-batch+json`.',
  ),
  'invalid-message': row(
    400,
    'Invalid message',
    'no',
    'The body or message can not be read, or is none that this server knows.',
    'Publish one event `{"type", "data"}`, an array of them, or one per line as `application/x-ndjson`. By WebSocket, send requests `{"type", "id", "data"}`; the tenth bad one within a minute ends the connection.',
    4400,
  ),
  'invalid-parameter': row(
    400,
    'Invalid parameter',
    'no',
    'A parameter in the path, the query or a header is malformed or out of its bounds.',
    '`detail` names the parameter and its bounds.',
  ),
  'invalid-cursor': row(
    400,
    'Invalid cursor',
    'no',
    'The cursor is not one that this or any Watchpost gave out.',
    'Pass a cursor on as you got it, or use `earliest` or `latest`.',
  ),
  'invalid-event': row(
    422,
    'Invalid event',
    'no',
    'An event does not fit the topic: unknown or reserved type, data against the schema, bad key or timestamp.',
    '`errors` lists each fault with the event it is in and the path to it. Nothing of the request was published.',
  ),
  'upgrade-required': row(
    426,
    'Upgrade required',
    'no',
    'The path speaks WebSocket only, and the request is no handshake of WebSocket version 13.',
    'Open it with a WebSocket client (`new WebSocket("wss://…/v1")`), or watch by `GET /v1/topics/{topic}`. Behind a proxy, let it pass `Upgrade` and `Connection` on.',
  ),
  'reach-maximum-connections': row(
    429,
    'Maximum number of connections reached',
    'later',
    'The server holds as many connections as it is allowed to, in all, for the identity or for the address.',
    'Wait for `Retry-After` seconds, or share one connection between topics: `/v1/events`, or a WebSocket.',
    4429,
  ),
  'reach-maximum-subscriptions': row(
    429,
    'Maximum number of subscriptions reached',
    'no',
    'The connection has `subscriptionsPerConnection` subscriptions already.',
    'Unsubscribe from something first, subscribe to a topic filter such as `chat/*`, or open another connection.',
  ),
  'reach-maximum-topics': row(
    429,
    'Maximum number of topics reached',
    'no',
    'The publish would make a new topic by a template, and the log has `topicsMax` topics already.',
    'Publish to a topic that there is, or ask the operator to raise `topicsMax`.',
  ),
  'rate-limited': row(
    429,
    'Too many in too short a time',
    'later',
    'Publishes, messages or new connections come faster than `publishesPerSecond`, `messagesPerSecond` or `handshakesPerSecond` allow, or credentials are refused more often than `refusalsPerSecond`.',
    'Wait for `retryAfter` seconds. Publish several events at once, and keep connections open; the WebSocket of a client that goes on regardless is closed.',
    4429,
  ),
  'headers-too-large': row(
    431,
    'Headers too large',
    'no',
    'The request line and headers together are over `headerBytesMax`.',
    'Send fewer or shorter headers and query parameters.',
  ),
  internal: row(
    500,
    'Internal error',
    'later',
    'The server failed. The cause is in its log, under the same `instance`.',
    'Try again later; a publish that carries an `Idempotency-Key` can be repeated safely.',
    1011,
  ),
  'going-away': row(
    503,
    'Going away',
    'elsewhere',
    'This server is shutting down.',
    'Connect again, with the last cursor; another server of the same log goes on where this one stopped.',
    1001,
  ),
  'log-unavailable': row(
    503,
    'Log unavailable',
    'later',
    'The log can not be read or written now, for example because its disk is full. Of a publish, nothing was appended.',
    'Operators: the log line names the cause. Clients: try again later with the same `Idempotency-Key`.',
  ),
  overloaded: row(
    503,
    'Overloaded',
    'later',
    'Publishes that are being received hold `publishingBytesMax` already, or answers that are being sent `answeringBytesMax`.',
    'Wait for `Retry-After` seconds, then ask again; repeat a publish with the same `Idempotency-Key`.',
  ),
}

/** The path of a problem's type URI and of its page [WP-5.1]. */
export const problemType = (name: ProblemName): string => `/problems/${name}`

/** A fault of one event of a publish; `path` is a JSON Pointer into the event. */
export interface EventFault {
  readonly event: number
  readonly path: string
  readonly message: string
}

/** What a problem may carry beside `detail`; each member stands in the JSON as it is named here. */
export interface ProblemMembers {
  readonly errors?: readonly EventFault[]
  readonly earliest?: string
  readonly state?: string
  readonly transports?: readonly string[]
  readonly versions?: readonly string[]
  /** Seconds; also sent as `Retry-After`. */
  readonly retryAfter?: number
  /** Methods; also sent as `Allow`. */
  readonly allow?: readonly string[]
}

/** An error with a row in {@link PROBLEMS}. `message` is the `detail` that a client reads, so it must hold no secret. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: ProblemName
  readonly members: ProblemMembers

  constructor(problem: ProblemName, detail: string, members: ProblemMembers = {}, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause })
    this.problem = problem
    this.members = members
  }

  get status(): number {
    return PROBLEMS[this.problem].status
  }
}

/** The body of an `application/problem+json` answer [WP-5.2] (RFC 9457, section 3). */
export interface ProblemDocument extends ProblemMembers {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
}

export function problemDocument(error: ProblemError, instance: string): ProblemDocument {
  const { status, title } = PROBLEMS[error.problem]
  const { allow: _sentAsHeader, ...members } = error.members
  return { type: problemType(error.problem), title, status, detail: error.message, instance, ...members }
}
