/** The page: its files, its script in one piece, and the map that it draws. All is made once, when the server starts. */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { readBoroughs, readLines, readNames } from './geography.ts'
import { trainsMax } from './train.ts'

interface Resource {
  readonly type: string
  readonly body: Buffer
}

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

const page = (name: string): URL => new URL(`../page/${name}`, import.meta.url)

export async function resources(): Promise<ReadonlyMap<string, Resource>> {
  const file = async (name: string, type: string): Promise<Resource> => ({ type, body: await readFile(page(name)) })
  return new Map([
    ['/', await file('index.html', 'text/html')],
    ['/style.css', await file('style.css', 'text/css')],
    ['/icon.svg', await file('icon.svg', 'image/svg+xml')],
    ['/app.js', { type: 'text/javascript', body: Buffer.from(await script()) }],
    ['/map.json', { type: 'application/json', body: Buffer.from(await map()) }],
  ])
}

/** page/app.ts with all that it imports: browsers know neither TypeScript nor the names of packages. */
async function script(): Promise<string> {
  const { output } = await build({ input: fileURLToPath(page('app.ts')), platform: 'browser', write: false })
  return output[0].code
}

async function map(): Promise<string> {
  const lines = (await readLines()).map((line) => ({ ...line, hasTrains: trainsMax(line) > 0 }))
  return JSON.stringify({ lines, boroughs: await readBoroughs(), names: await readNames() })
}

/** Answers a request for one of the resources, or says that there is nothing. */
export function answer(
  served: ReadonlyMap<string, Resource>,
  { url = '/', method }: IncomingMessage,
  response: ServerResponse,
): void {
  const resource = served.get(url.split('?', 1)[0] ?? url)
  const isRead = method === 'GET' || method === 'HEAD'
  const { type, body } = resource ?? { type: 'text/plain', body: Buffer.from('There is nothing here.\n') }
  response.writeHead(resource === undefined ? 404 : isRead ? 200 : 405, {
    ...HEADERS,
    'content-type': `${type}; charset=utf-8`,
    ...(resource !== undefined && !isRead && { allow: 'GET, HEAD' }),
  })
  response.end(resource === undefined || isRead ? body : undefined)
}
