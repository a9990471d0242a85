/** The operations of a server, and the problems that each can answer. */
import type { ProblemName } from '@watchpost/protocol'

export type OperationName =
  | ('listTopics' | 'watchTopic' | 'watchEvents' | 'publishTopic' | 'readState' | 'openWebSocket')
  | ('createTicket' | 'listConnections' | 'cutConnections' | 'cutConnection' | 'renewConnection' | 'drain')
  | ('listProblems' | 'readProblem' | 'readDocument' | 'readDocs' | 'readAsset' | 'readProbe')
  | 'readMetrics'

/** What any request can meet before it reaches an operation, or when the server fails. */
const ANY: readonly ProblemName[] = ['invalid-message', 'request-timeout', 'headers-too-large', 'internal']

/** What credentials can be refused for [WP-6.6]. */
const CREDENTIALS: readonly ProblemName[] = ['unauthorized', 'token-expired', 'rate-limited']

const TOPIC: readonly ProblemName[] = [...CREDENTIALS, 'invalid-parameter', 'forbidden', 'unknown-topic']

/** What only large answers meet, and what is read from the log. */
const READING: readonly ProblemName[] = ['overloaded', 'log-unavailable']

const CONNECTING: readonly ProblemName[] = ['reach-maximum-connections', 'going-away']

const WATCHING: readonly ProblemName[] = [
  ...TOPIC,
  ...(['invalid-cursor', 'cursor-expired', 'transport-not-offered'] as const),
  ...READING,
  ...CONNECTING,
]

const ADMIN: readonly ProblemName[] = [...CREDENTIALS, 'forbidden']

const ROWS: Readonly<Record<OperationName, readonly ProblemName[]>> = {
  listTopics: [...CREDENTIALS, 'overloaded'],
  // A handshake on the topic can be refused for what is asked of it, and for being none.
  watchTopic: [...WATCHING, 'not-keyed', 'upgrade-required'],
  watchEvents: WATCHING,
  publishTopic: [
    ...TOPIC,
    ...(['idempotency-conflict', 'message-too-large', 'unsupported-media-type', 'invalid-event'] as const),
    ...(['reach-maximum-topics', 'going-away', 'log-unavailable', 'overloaded'] as const),
  ],
  readState: [...TOPIC, 'not-keyed', ...READING],
  openWebSocket: [...CREDENTIALS, 'invalid-parameter', 'forbidden', 'upgrade-required', ...CONNECTING],
  createTicket: CREDENTIALS,
  listConnections: [...ADMIN, 'invalid-parameter', 'overloaded'],
  cutConnections: [...ADMIN, 'invalid-parameter'],
  cutConnection: [...ADMIN, 'not-found'],
  renewConnection: [...CREDENTIALS, 'forbidden', 'not-found', 'reach-maximum-connections'],
  drain: ADMIN,
  listProblems: ['overloaded'],
  readProblem: ['not-found'],
  readDocument: [...CREDENTIALS, 'invalid-parameter', 'overloaded'],
  readDocs: ['overloaded'],
  readAsset: ['not-found', 'overloaded'],
  readProbe: [],
  readMetrics: ['overloaded'],
}

/** The problems that an operation can answer, each once. */
export const problemsOf = (operation: OperationName): readonly ProblemName[] => [
  ...new Set([...ROWS[operation], ...ANY]),
]
