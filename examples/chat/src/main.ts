/**
 * The chat: a page, a desk that gives out tokens, and Watchpost, on one HTTP server.
 * Next: config.ts says what can be watched, desk.ts who may, and page/room.ts watches it.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createWatchpost } from 'watchpost'
import { configIn } from './config.ts'
import { invitation, ROOMS, secret, signIn } from './desk.ts'
import { answer, createSite } from './site.ts'

const BODY_BYTES_MAX = 4_096

/** Hands the JSON of a request to the desk. */
async function ask(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const json = 'application/json; charset=utf-8'
  try {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) {
      text += chunk as string
      if (text.length > BODY_BYTES_MAX) throw new RangeError('the body is too long')
    }
    const { status, body } = await signIn(JSON.parse(text))
    answer(response, status, json, JSON.stringify(body))
  } catch {
    answer(response, 400, json, JSON.stringify({ message: 'That was not understood.' }))
  }
}

const port = Number(process.env['PORT'] || 8080)
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT=${process.env['PORT']} is no port; choose one: PORT=8081 npm start -w examples/chat`)
  process.exit(1)
}

const watchpost = await createWatchpost(configIn(process.env['WATCHPOST_DATA_DIR'] || '.watchpost', secret))
for (const [room, text] of Object.entries(ROOMS)) {
  await watchpost.publish(`chat/${room}`, { type: 'about', data: { text } })
}

const site = await createSite()
const server = createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/sign-in') void ask(request, response)
  else site(request, response)
})
watchpost.attach(server)
server.once('error', ({ message }) => {
  console.error(`${message}; choose another port: PORT=8081 npm start -w examples/chat`)
  process.exit(1)
})
server.listen(port, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
console.log(`The chat:       ${url}\nWith a cellar:  ${url}/#invitation=${invitation}\nThe reference:  ${url}/docs`)

const stop = (): void => {
  server.close()
  void watchpost.close().then(() => server.closeAllConnections())
}
process.once('SIGINT', stop).once('SIGTERM', stop)
