/** Cross-origin access [WP-3.13] (WHATWG Fetch, section 3.2): off unless the configuration names origins. */
import type { Config, CorsOptions } from '../config/config.ts'
import type { Exchange, Headers } from './exchange.ts'

const ALLOWED_HEADERS =
  'Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, Cache-Control'
const EXPOSED_HEADERS = [
  ...['Allow', 'Deprecation', 'ETag', 'Idempotent-Replayed', 'Link', 'Location', 'Preference-Applied'],
  ...['RateLimit', 'RateLimit-Policy', 'Retry-After', 'Sunset', 'WWW-Authenticate'],
].join(', ')

export interface Cors extends CorsOptions {
  /** Whether pages of origins that are listed may have browsers send along what they send by themselves. */
  readonly credentials: boolean
}

/** `undefined` if pages of other origins can't read answers. */
export const corsOf = ({ cors, auth, listen }: Pick<Config, 'cors' | 'auth' | 'listen'>): Cors | undefined =>
  cors && { ...cors, credentials: auth?.cookie !== undefined || listen?.tls?.ca !== undefined }

/** The headers that let the request's origin read the answer; none if it may not. */
export function corsHeaders(exchange: Exchange, cors: Cors | undefined): Headers {
  if (cors === undefined) return {}
  const exposed = { 'access-control-expose-headers': EXPOSED_HEADERS }
  // Never with credentials: any page could read what the user of its browser may.
  if (cors.origins === '*') return { 'access-control-allow-origin': '*', ...exposed }
  const origin = exchange.header('origin')
  if (origin === undefined || !cors.origins.includes(origin)) return { vary: 'Origin' }
  const allowed = cors.credentials ? { 'access-control-allow-credentials': 'true' } : {}
  return { 'access-control-allow-origin': origin, ...allowed, ...exposed, vary: 'Origin' }
}

/** Answers a preflight; with no more than the `Allow` header if the origin may not. */
export function preflight(exchange: Exchange, cors: Cors | undefined, methods: readonly string[]): void {
  const allowed = corsHeaders(exchange, cors)
  exchange.send(204, '', {
    ...allowed,
    allow: [...methods, 'OPTIONS'].join(', '),
    ...('access-control-allow-origin' in allowed && {
      'access-control-allow-methods': methods.join(', '),
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': String(cors?.maxAgeSeconds ?? 600),
    }),
  })
}
