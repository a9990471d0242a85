/** `/docs`: the API's reference, and a place to try it; and the files that its page loads. */
import { createHash } from 'node:crypto'
import { ProblemError } from '@watchpost/protocol'
import Negotiator from 'negotiator'
import type { App } from '../app.ts'
import { readAssets } from '../documents/page/assets.ts'
import { docsPage } from '../documents/page/docs.ts'
import { PAGE_HEADERS } from '../documents/page/html.ts'
import type { Exchange, Headers } from '../http/exchange.ts'

/** The page. It is the same for everyone: what a caller may see is in the documents that it loads. */
export async function serveDocs({ limits, authenticator }: App, exchange: Exchange): Promise<void> {
  const { version, scripts } = await readAssets()
  const asksWho = authenticator !== undefined
  const page = docsPage({ basePath: exchange.basePath, assets: version, scripts, limits, asksWho })
  const etag = `"${createHash('sha256').update(page).digest('base64url').slice(0, 22)}"`
  sendFresh(exchange, page, { ...PAGE_HEADERS, 'cache-control': 'private, no-cache', etag })
}

/** @throws ProblemError `not-found` */
export async function serveAsset(_app: App, exchange: Exchange, path: string): Promise<void> {
  const { version, files } = await readAssets()
  const [asked, name = '', ...more] = path.split('/')
  const asset = files.get(name)
  if (asked !== version || asset === undefined || more.length > 0) {
    throw new ProblemError('not-found', 'Nothing is served at this path; the page itself is at /docs.')
  }
  const coding = new Negotiator(exchange.request).encoding(['gzip', 'identity'])
  const isGzip = coding === 'gzip'
  sendFresh(exchange, isGzip ? asset.gzipped : asset.bytes, {
    'content-type': asset.type,
    'x-content-type-options': 'nosniff',
    'cache-control': 'public, max-age=31536000, immutable',
    // Two codings of one file are two representations, and a strong validator is of one (RFC 9110, section 8.8.3).
    etag: `"${version}-${name}${isGzip ? '-gzip' : ''}"`,
    ...(isGzip && { 'content-encoding': 'gzip' }),
    vary: varyOf(exchange),
  })
}

/** CORS may have said what else the answer depends on. */
function varyOf({ response }: Exchange): string {
  const before = response.getHeader('vary')
  return typeof before === 'string' ? `${before}, Accept-Encoding` : 'Accept-Encoding'
}

/** Sends it, or 304 to those who have it. */
function sendFresh(exchange: Exchange, body: string | Uint8Array, headers: Headers): void {
  const known = exchange.header('if-none-match')?.split(',') ?? []
  const { etag = '' } = headers
  const has = known.some((tag) => tag.trim().replace(/^W\//, '') === etag || tag.trim() === '*')
  exchange.send(has ? 304 : 200, has ? '' : body, headers)
}
