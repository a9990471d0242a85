/** Serves the page: the files of `public` and the few resources that are handed in, and nothing else. */
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname } from 'node:path'

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
}

// Everything the page needs comes from here. Text from the log is never markup, and if a fault made it markup, this
// would still keep it from running or loading anything.
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

/** A file, or text that is made when it is asked for. */
export type Resource = URL | (() => string)

/** What to serve by path: each file of a folder under its name, `index.html` as `/`. */
export function folderResources(folder: URL): ReadonlyMap<string, Resource> {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile())
  const resources = files.map(({ name }): [string, URL] => [`/${name}`, new URL(name, folder)])
  const index = resources.find(([path]) => path === '/index.html')
  return new Map(index === undefined ? resources : [...resources, ['/', index[1]]])
}

/**
 * A request listener. A path is looked up among the resources and never made into a file name, so there is no way out
 * of them. Files are read anew each time: an edit shows on reload.
 */
export function createStaticHandler(resources: ReadonlyMap<string, Resource>) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const resource = resources.get(path)
    if (resource === undefined) return refuse(response, 404, 'There is nothing here. The page is at /.\n')
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD')
      return refuse(response, 405, 'Only GET and HEAD are served here.\n')
    }
    const type = TYPES[extname(resource instanceof URL ? resource.pathname : path)] ?? 'application/octet-stream'
    send(response, resource, type).catch((error: unknown) => {
      console.error(`${path} could not be read:`, error)
      refuse(response, 500, 'The file could not be read.\n')
    })
  }
}

async function send(response: ServerResponse, resource: Resource, type: string): Promise<void> {
  const body = resource instanceof URL ? await readFile(resource) : Buffer.from(resource())
  // Node.js leaves the body out of an answer to HEAD by itself.
  response.writeHead(200, { ...HEADERS, 'content-type': type, 'content-length': body.length }).end(body)
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' }).end(text)
}
