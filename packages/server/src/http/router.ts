/** Which route answers a path and method. */
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { cutConnection, cutConnectionsOf, listConnections, renewConnection } from '../routes/connections.ts'
import { serveAsset, serveDocs } from '../routes/docs.ts'
import { serveAsyncApiJson, serveAsyncApiYaml, serveOpenApiJson, serveOpenApiYaml } from '../routes/documents.ts'
import { startDrain } from '../routes/drain.ts'
import { serveHealth, serveMetrics, serveReadiness } from '../routes/probes.ts'
import { serveProblem, serveProblems } from '../routes/problems.ts'
import { publishTopic } from '../routes/publish.ts'
import { serveState } from '../routes/state.ts'
import { issueTicket } from '../routes/tickets.ts'
import { serveTopics } from '../routes/topics.ts'
import { watchEvents, watchTopic } from '../routes/watch.ts'
import { demandUpgrade, openSocket, openTopicSocket, refuseEventsSocket } from '../transports/websocket/handshake.ts'
import type { Exchange } from './exchange.ts'

/** `rest` is what the path has beyond the route's own, such as the topic. */
type Handler = (app: App, exchange: Exchange, rest: string) => void | Promise<void>

export interface Route {
  /** As metrics name it. One that has a star takes anything, but not nothing, in its place. */
  readonly path: string
  readonly methods: Readonly<Record<string, Handler>>
  /** Answers a GET that asks for a WebSocket; other routes take it as if it did not ask. */
  readonly websocket?: Handler
  /** Served by an embedded server only when it is asked to: the host application has its own. */
  readonly probe?: boolean
  /** Tells of the API; an embedded server can be asked to leave it to the host application, which may have its own. */
  readonly document?: boolean
  /** Outside `/v1`, and yet answered by what the caller may see. */
  readonly personal?: boolean
  /** Left to the host application by an embedded server, but for WebSockets. */
  readonly hostsOwn?: boolean
}

const ROUTES: readonly Route[] = [
  { path: '/v1/topics', methods: { GET: serveTopics } },
  { path: '/v1', methods: { GET: demandUpgrade }, websocket: openSocket, hostsOwn: true },
  { path: '/v1/topics/*', methods: { GET: watchTopic, POST: publishTopic }, websocket: openTopicSocket },
  { path: '/v1/events', methods: { GET: watchEvents }, websocket: refuseEventsSocket },
  { path: '/v1/state/*', methods: { GET: serveState } },
  { path: '/v1/tickets', methods: { POST: issueTicket } },
  { path: '/v1/connections', methods: { GET: listConnections, DELETE: cutConnectionsOf } },
  { path: '/v1/connections/*/token', methods: { POST: renewConnection } },
  { path: '/v1/connections/*', methods: { DELETE: cutConnection } },
  { path: '/v1/drain', methods: { POST: startDrain } },
  { path: '/openapi.json', methods: { GET: serveOpenApiJson }, personal: true, document: true },
  { path: '/openapi.yaml', methods: { GET: serveOpenApiYaml }, personal: true, document: true },
  { path: '/asyncapi.json', methods: { GET: serveAsyncApiJson }, personal: true, document: true },
  { path: '/asyncapi.yaml', methods: { GET: serveAsyncApiYaml }, personal: true, document: true },
  { path: '/docs', methods: { GET: serveDocs }, document: true },
  { path: '/docs/*', methods: { GET: serveAsset }, document: true },
  { path: '/problems', methods: { GET: serveProblems } },
  { path: '/problems/*', methods: { GET: serveProblem } },
  { path: '/healthz', methods: { GET: serveHealth }, probe: true },
  { path: '/readyz', methods: { GET: serveReadiness }, probe: true },
  { path: '/metrics', methods: { GET: serveMetrics }, probe: true },
]

export interface Routed {
  readonly route: Route
  readonly rest: string
}

/** The route of a path, whatever the method. */
export function routeOf(path: string): Routed | undefined {
  for (const route of ROUTES) {
    const [stem = '', tail] = route.path.split('*')
    if (tail === undefined) {
      if (stem === path) return { route, rest: '' }
    } else if (path.length > stem.length + tail.length && path.startsWith(stem) && path.endsWith(tail)) {
      return { route, rest: path.slice(stem.length, path.length - tail.length) }
    }
  }
  return undefined
}

/** @throws ProblemError `method-not-allowed` */
export function handlerOf(route: Route, method: string): Handler {
  const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined
  if (handler !== undefined) return handler
  const allow = [...Object.keys(route.methods), 'OPTIONS']
  throw new ProblemError('method-not-allowed', `${route.path} takes ${allow.join(', ')}, not ${method}.`, { allow })
}

/** @throws ProblemError always: `unsupported-version` for another version's path, else `not-found` */
export function refuse(path: string): never {
  const version = /^\/v(\d+)(?:\/|$)/.exec(path)?.[1]
  if (version !== undefined && version !== '1') {
    throw new ProblemError('unsupported-version', `Version v${version} is not spoken here.`, { versions: ['v1'] })
  }
  throw new ProblemError('not-found', 'Nothing is served at this path.')
}
