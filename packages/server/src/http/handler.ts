/** The HTTP face of a server: routes a request, answers what goes wrong, counts what was answered. */
import { randomUUID } from 'node:crypto'
import { METHODS } from 'node:http'
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { actorOf } from '../audit.ts'
import { corsHeaders, preflight } from './cors.ts'
import { Exchange, type Request, type Response, type Target } from './exchange.ts'
import { announceLifecycle } from './lifecycle-headers.ts'
import { isUnread } from './linger.ts'
import { handlerOf, type Route, type Routed, refuse, routeOf } from './router.ts'
import { asksForWebSocket, type HandleUpgrade, responseTo } from './upgrade.ts'

export interface HandlerOptions {
  /** Where the routes are mounted, such as `/live`; `''` for the root. */
  readonly basePath: string
  /** Whether `/healthz`, `/readyz` and `/metrics` are served too. */
  readonly probes: boolean
  /** Whether the documents and the page that shows them are served too. */
  readonly documents: boolean
}

/** Answers what is Watchpost's, and says of each whether it is. */
export interface Handler {
  readonly request: (request: Request, response: Response) => boolean
  readonly upgrade: HandleUpgrade
}

/** Whether an embedded server takes a route's requests, and does not leave them to its host. */
const isServed = (route: Route, { probes, documents }: HandlerOptions): boolean =>
  route.hostsOwn !== true && (probes || route.probe !== true) && (documents || route.document !== true)

/** @param all whether every request is Watchpost's, so that unknown paths get a problem rather than being left alone */
export function createHandler(app: App, options: HandlerOptions, all: boolean): Handler {
  return {
    request: (request, response) => {
      const target = targetOf(request, options) ?? (all ? NOWHERE : undefined)
      const routed = target && routeOf(target.path)
      const ours = routed !== undefined && (all || isServed(routed.route, options))
      if (target === undefined || (!ours && !all)) return false
      const exchange = new Exchange(request, response, target, app.answers)
      // answer() reports every failure to the client itself, so its promise never rejects.
      void answer(app, exchange, ours ? routed : undefined)
      return true
    },
    upgrade: (request, socket, head) => {
      const target = asksForWebSocket(request) ? targetOf(request, options) : undefined
      const routed = target && routeOf(target.path)
      if (target === undefined || routed?.route.websocket === undefined) return false
      const response = responseTo(request, socket)
      if (response !== undefined) void answer(app, new Exchange(request, response, target, app.answers, head), routed)
      return true
    },
  }
}

/** Where a request goes whose target is no URL, such as `*`. */
const NOWHERE: Target = { url: new URL('http://localhost/'), basePath: '', path: '', probes: true }

/**
 * A path that a URL folds into another one: it goes up or stays, or has a backslash, which counts as a slash. It is no path
 * of ours: what a proxy lets through by the path that it reads would be another one here.
 */
const FOLDED = /^[^?#]*(?:\\|\/(?:\.|%2e){1,2}(?:[/?#]|$))/i

/** `undefined` if the request is not below the base path. */
function targetOf(request: Request, { basePath, probes }: HandlerOptions): Target | undefined {
  const target = request.url ?? '/'
  if (FOLDED.test(target)) return undefined
  const url = parseUrl(target)
  if (url === undefined || !url.pathname.startsWith(`${basePath}/`)) return undefined
  return { url, basePath, path: decodePath(url.pathname.slice(basePath.length)), probes }
}

/** A request target is a path, or a whole URL when it comes through a proxy (RFC 9112, section 3.2). */
function parseUrl(target: string): URL | undefined {
  try {
    // Not resolved against a base: a path of two slashes would then be read as another host.
    return new URL(target.startsWith('/') ? `http://localhost${target}` : target)
  } catch {
    return undefined
  }
}

/** A path that is not well-formed is left as it is: its `%` is no part of any name, so it is refused as such. */
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

async function answer(app: App, exchange: Exchange, routed: Routed | undefined): Promise<void> {
  const { response } = exchange
  response.once('close', () => {
    const route = routed?.route.path ?? 'none'
    // A method is any text that the client likes, and each would be a series of its own.
    const method = METHODS.includes(exchange.method) ? exchange.method : 'other'
    app.metrics.requests.inc({ route, method, status: response.statusCode })
  })
  // Its next request is for another server, or for what comes in the place of this one.
  if (app.connections.draining) response.shouldKeepAlive = false
  response.on('error', (error) => app.logger.debug({ err: error }, 'an answer could not be sent'))
  for (const [name, value] of Object.entries(corsHeaders(exchange, app.cors))) response.setHeader(name, value)
  try {
    if (routed === undefined) refuse(exchange.path)
    if (exchange.method === 'OPTIONS') return preflight(exchange, app.cors, Object.keys(routed.route.methods))
    if (app.authenticator !== undefined && isAskedFor(routed.route)) {
      exchange.session = await app.authenticator.identify(exchange)
      // It may have left meanwhile, and what listens for that from now on would wait for ever.
      if (exchange.gone) return
    }
    announceLifecycle(app, exchange, topicsOf(app, exchange, routed))
    const websocket = exchange.head === undefined ? undefined : routed.route.websocket
    await (websocket ?? handlerOf(routed.route, exchange.method))(app, exchange, routed.rest)
  } catch (error) {
    fail(app, exchange, error, routed)
  }
}

/** Whether what a route answers depends on who asks. */
const isAskedFor = ({ path, personal }: Route): boolean => personal === true || path.startsWith('/v1')

function fail(app: App, exchange: Exchange, error: unknown, routed: Routed | undefined): void {
  const instance = `urn:uuid:${randomUUID()}`
  const problem =
    error instanceof ProblemError
      ? error
      : new ProblemError('internal', 'The server failed; its log has the cause.', {}, error)
  app.metrics.problems.inc({ problem: problem.problem })
  // Whoever is refused by a server that drains is no fault of it, and there may be thousands.
  const level = problem.status >= 500 && problem.problem !== 'going-away' ? 'error' : 'debug'
  app.logger[level]({ err: problem.cause ?? problem, instance, problem: problem.problem }, problem.message)
  if (routed !== undefined && isAskedFor(routed.route)) {
    const { method } = exchange
    const request = `${method} ${routed.route.path}`
    app.audit.refusal(actorOf(app, exchange), { problem, request, topics: topicsOf(app, exchange, routed) })
  }
  if (exchange.response.headersSent) return exchange.cut()
  // What is left of a body that was refused would be read as the next request.
  if (isUnread(exchange.request)) exchange.response.setHeader('connection', 'close')
  exchange.problem(problem, instance)
}

/** The topics that a request is about, whatever they are; none of a request that names more than it may. */
function topicsOf({ limits }: App, { url }: Exchange, { route, rest }: Routed): readonly string[] {
  if (TOPIC_ROUTES.includes(route.path)) return [rest]
  if (route.path !== EVENTS_ROUTE) return []
  const topics = url.searchParams.getAll('topic')
  return topics.length > limits.filtersMax ? [] : [...new Set(topics)]
}

/** Routes of which the rest of the path is a topic, and the one whose query has topics. */
const TOPIC_ROUTES: readonly string[] = ['/v1/topics/*', '/v1/state/*']
const EVENTS_ROUTE = '/v1/events'
