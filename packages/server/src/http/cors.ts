/** Cross-origin access [WP-3.13] (WHATWG Fetch, section 3.2): off unless the configuration names origins. */
import type { CorsOptions } from '../config/config.ts'
import type { Exchange, Headers } from './exchange.ts'

const ALLOWED_HEADERS =
  'Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, Cache-Control'
const EXPOSED_HEADERS = 'Allow, ETag, Idempotent-Replayed, Link, Location, Preference-Applied, Retry-After'

/** The headers that let the request's origin read the answer; none if it may not. */
export function corsHeaders(exchange: Exchange, cors: CorsOptions | undefined): Headers {
  if (cors === undefined) return {}
  if (cors.origins === '*')
    return { 'access-control-allow-origin': '*', 'access-control-expose-headers': EXPOSED_HEADERS }
  const origin = exchange.header('origin')
  if (origin === undefined || !cors.origins.includes(origin)) return { vary: 'Origin' }
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED_HEADERS, vary: 'Origin' }
}

/** Answers a preflight; with no more than the `Allow` header if the origin may not. */
export function preflight(exchange: Exchange, cors: CorsOptions | undefined, methods: readonly string[]): void {
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
