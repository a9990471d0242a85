/** Serves the page: its files, and its scripts bundled into one. Each example has its own, much alike: copy it alone. */
import { readFile } from 'node:fs/promises'
import type { RequestListener, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const PAGE = new URL('../page/', import.meta.url)

// Everything comes from here, and no text can become a script: not as markup, since no script is inline, and not by
// `innerHTML` and its like, since trusted types forbid them altogether.
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
}

/** Bundles the page, and answers for it. */
export async function createSite(): Promise<RequestListener> {
  const bundle = await rolldown({ input: fileURLToPath(new URL('app.ts', PAGE)), platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  const file = (name: string): Promise<Buffer> => readFile(new URL(name, PAGE))
  const resources = new Map<string, readonly [type: string, body: string | Buffer]>([
    ['/', ['text/html; charset=utf-8', await file('index.html')]],
    ['/style.css', ['text/css; charset=utf-8', await file('style.css')]],
    ['/icon.svg', ['image/svg+xml', await file('icon.svg')]],
    ['/app.js', ['text/javascript; charset=utf-8', output[0].code]],
  ])
  return ({ url = '/', method }, response) => {
    const resource = resources.get(url.split('?', 1)[0] ?? '/')
    if (resource === undefined) return answer(response, 404, 'text/plain', 'There is nothing here. The page is at /.\n')
    if (method === 'GET' || method === 'HEAD') return answer(response, 200, ...resource)
    answer(response.setHeader('allow', 'GET, HEAD'), 405, 'text/plain', 'Only GET and HEAD are served here.\n')
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string | Buffer): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type }).end(body)
}
