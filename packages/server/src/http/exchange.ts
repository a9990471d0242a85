/** One request and its answer, as the routes see them, whatever HTTP version carries them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'
import type { Identity } from '@watchpost/core'
import { PROBLEMS, ProblemError, problemDocument, problemType } from '@watchpost/protocol'
import { challengeOf } from '../auth/refusal.ts'
import { ANONYMOUS_SESSION, type Session } from '../auth/session.ts'
import type { Answers } from './answers.ts'
import { isUnread, takeRest } from './linger.ts'
import { release } from './upgrade.ts'

/** HTTP/2 requests come with Node's compatibility classes, which are used here just as those of HTTP/1.1 are. */
export type Request = IncomingMessage
export type Response = ServerResponse

export type Headers = Readonly<Record<string, string>>

/** What a request asks for. */
export interface Target {
  readonly url: URL
  /** Where the routes are mounted; paths that an answer gives begin with it. */
  readonly basePath: string
  /** Decoded, without the base path. */
  readonly path: string
  /** Whether the operators' routes are served there too. */
  readonly probes: boolean
}

export class Exchange {
  readonly request: Request
  readonly response: Response
  readonly url: URL
  /** Where the routes are mounted; paths that an answer gives begin with it. */
  readonly basePath: string
  /** Decoded, without the base path. */
  readonly path: string
  /** Whether the operators' routes are served beside this one. */
  readonly probes: boolean
  /** Of an upgrade, what came behind the request. */
  readonly head: Buffer | undefined
  /** Who asks, and until when; the anonymous until the credentials were looked at. */
  session: Session = ANONYMOUS_SESSION
  readonly #answers: Answers
  #gone = false

  constructor(request: Request, response: Response, target: Target, answers: Answers, head?: Buffer) {
    this.request = request
    this.response = response
    this.url = target.url
    this.basePath = target.basePath
    this.path = target.path
    this.probes = target.probes
    this.#answers = answers
    this.head = head
    // Kept here because responses of HTTP/2 don't tell that they were destroyed.
    response.once('close', () => {
      this.#gone = true
    })
  }

  /** Whether the answer was sent whole, or nobody is left to take it. */
  get gone(): boolean {
    return this.#gone
  }

  get method(): string {
    return this.request.method ?? 'GET'
  }

  get identity(): Identity {
    return this.session.identity
  }

  /** What the request came by, the same object for all requests of one connection, with the members of its socket. */
  get connection(): object {
    // Of HTTP/2 each request has a stand-in for the socket of its own, and its session has one for all.
    const { stream } = this.request as { readonly stream?: { readonly session?: { readonly socket: object } } }
    return stream?.session?.socket ?? this.request.socket
  }

  /** A header that was sent once, or `undefined`. */
  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return Array.isArray(value) ? value[0] : value
  }

  /** @throws ProblemError `overloaded` */
  send(status: number, body: string | Uint8Array, headers: Headers): void {
    if (this.response.headersSent || this.#gone) return
    const bytes = Buffer.byteLength(body)
    // Only what was read can be asked for again. What was done, above all a publish, must be told, and so must a problem.
    if (status === 200) this.#answers.demandRoom(this.request, bytes)
    this.#answers.hold(this.request, this.response, bytes, () => this.cut())
    this.response.writeHead(status, {
      ...headers,
      ...this.#links(headers),
      ...(bytes > 0 && { 'content-length': String(bytes) }),
    })
    if (!isUnread(this.request)) return void this.response.end(body)
    this.response.write(body)
    takeRest(this.request, () => this.response.end())
  }

  /** What every answer of the topic links to, beside what this one does: one would take the place of the other. */
  #links({ link }: Headers): Headers {
    const set = this.response.getHeader('link')
    return link === undefined || set === undefined ? {} : { link: `${String(set)}, ${link}` }
  }

  json(status: number, body: string, headers: Headers = {}): void {
    this.send(status, body, {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    })
  }

  /** Hands the socket over to another protocol. It is not this request's any more. */
  upgraded(): void {
    const { response, request } = this
    response.statusCode = 101
    release(response, request.socket)
    response.emit('close')
  }

  /** Ends an answer in its midst, since nothing can be told any more. */
  cut(): void {
    if (this.request.httpVersionMajor >= 2) (this.response as unknown as { readonly stream: Writable }).stream.destroy()
    else this.response.destroy()
  }

  /** Answers with a problem document [WP-5.2]. */
  problem(error: ProblemError, instance: string): void {
    const { allow, retryAfter, state } = error.members
    const document = problemDocument(error, instance)
    const body = state === undefined ? document : { ...document, state: `${this.basePath}${state}` }
    this.send(PROBLEMS[error.problem].status, JSON.stringify(body), {
      'content-type': 'application/problem+json; charset=utf-8',
      'cache-control': 'no-store',
      link: `<${this.basePath}${problemType(error.problem)}>; rel="type"`,
      ...(allow && { allow: allow.join(', ') }),
      ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
      ...(error.problem === 'upgrade-required' && this.#upgradeHeaders()),
      ...(error.status === 401 && { 'www-authenticate': challengeOf(error) }),
    })
  }

  /** RFC 9110, section 15.5.22; HTTP/2 has no such headers. */
  #upgradeHeaders(): Headers {
    if (this.request.httpVersionMajor >= 2) return {}
    const connection = this.response.shouldKeepAlive ? 'upgrade' : 'upgrade, close'
    return { connection, upgrade: 'websocket', 'sec-websocket-version': '13' }
  }

  /**
   * Starts an answer without an end and gives the stream to write its bytes to. HTTP/1.1 bodies go straight to the
   * socket, delimited by its close [WP-3.8] (RFC 9112, section 6.3): so the same bytes serve every client, where the
   * chunked coding would need a frame around each write.
   */
  stream(headers: Headers): Writable {
    const { response } = this
    if (this.request.httpVersionMajor >= 2) {
      response.writeHead(200, headers)
      response.flushHeaders()
      return (response as unknown as { readonly stream: Writable }).stream
    }
    const { socket } = response
    // A pipelined request has no socket until those before it are answered.
    if (socket === null) throw new ProblemError('invalid-message', 'Ask for a stream on a connection of its own.')
    response.shouldKeepAlive = false
    response.useChunkedEncodingByDefault = false
    response.writeHead(200, headers)
    response.flushHeaders()
    return socket
  }
}
