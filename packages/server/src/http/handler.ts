/** The HTTP face of a server: routes a request, answers what goes wrong, counts what was answered. */
import { randomUUID } from 'node:crypto'
import { METHODS } from 'node:http'
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { corsHeaders, preflight } from './cors.ts'
import { Exchange, type Request, type Response, type Target } from './exchange.ts'
import { handlerOf, type Route, type Routed, refuse, routeOf } from './router.ts'
import { asksForWebSocket, type HandleUpgrade, responseTo } from './upgrade.ts'

export interface HandlerOptions {
  /** Where the routes are mounted, such as `/live`; `''` for the root. */
  readonly basePath: string
  /** Whether `/healthz`, `/readyz` and `/metrics` are served too. */
  readonly probes: boolean
}

/** Answers what is Watchpost's, and says of each whether it is. */
export interface Handler {
  readonly request: (request: Request, response: Response) => boolean
  readonly upgrade: HandleUpgrade
}

/** Whether an embedded server takes a route's requests, and does not leave them to its host. */
const isServed = (route: Route, { probes }: HandlerOptions): boolean =>
  route.hostsOwn !== true && (probes || route.probe !== true)

/** @param all whether every request is Watchpost's, so that unknown paths get a problem rather than being left alone */
export function createHandler(app: App, options: HandlerOptions, all: boolean): Handler {
  return {
    request: (request, response) => {
      const target = targetOf(request, options.basePath) ?? (all ? NOWHERE : undefined)
      const routed = target && routeOf(target.path)
      const ours = routed !== undefined && (all || isServed(routed.route, options))
      if (target === undefined || (!ours && !all)) return false
      const exchange = new Exchange(request, response, target, app.answers)
      // answer() reports every failure to the client itself, so its promise never rejects.
      void answer(app, exchange, ours ? routed : undefined)
      return true
    },
    upgrade: (request, socket, head) => {
      const target = asksForWebSocket(request) ? targetOf(request, options.basePath) : undefined
      const routed = target && routeOf(target.path)
      if (target === undefined || routed?.route.websocket === undefined) return false
      const response = responseTo(request, socket)
      if (response !== undefined) void answer(app, new Exchange(request, response, target, app.answers, head), routed)
      return true
    },
  }
}

/** Where a request goes whose target is no URL, such as `*`. */
const NOWHERE: Target = { url: new URL('http://localhost/'), basePath: '', path: '' }

/** `undefined` if the request is not below the base path. */
function targetOf(request: Request, basePath: string): Target | undefined {
  const url = parseUrl(request.url ?? '/')
  if (url === undefined || !url.pathname.startsWith(`${basePath}/`)) return undefined
  return { url, basePath, path: decodePath(url.pathname.slice(basePath.length)) }
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
  response.on('error', (error) => app.logger.debug({ err: error }, 'an answer could not be sent'))
  for (const [name, value] of Object.entries(corsHeaders(exchange, app.cors))) response.setHeader(name, value)
  try {
    if (routed === undefined) refuse(exchange.path)
    if (exchange.method === 'OPTIONS') return preflight(exchange, app.cors, Object.keys(routed.route.methods))
    const websocket = exchange.head === undefined ? undefined : routed.route.websocket
    await (websocket ?? handlerOf(routed.route, exchange.method))(app, exchange, routed.rest)
  } catch (error) {
    fail(app, exchange, error)
  }
}

function fail(app: App, exchange: Exchange, error: unknown): void {
  const instance = `urn:uuid:${randomUUID()}`
  const problem =
    error instanceof ProblemError
      ? error
      : new ProblemError('internal', 'The server failed; its log has the cause.', {}, error)
  app.metrics.problems.inc({ problem: problem.problem })
  const level = problem.status >= 500 ? 'error' : 'debug'
  app.logger[level]({ err: problem.cause ?? problem, instance, problem: problem.problem }, problem.message)
  if (exchange.response.headersSent) return exchange.cut()
  // What is left of a body that was refused would be read as the next request.
  if (!exchange.request.complete && exchange.request.httpVersionMajor < 2)
    exchange.response.setHeader('connection', 'close')
  exchange.problem(problem, instance)
}
