/** Server-Sent Events by `fetch`, which can send headers and stop reading. */
import { unreachable } from '../error.ts'
import { SseParser } from '../protocol.ts'
import { send, texts } from '../request.ts'
import { fetching } from './fetching.ts'
import { type Message, Stream, watchQuery } from './stream.ts'
import type { Transport } from './transport.ts'

export const sse: Transport = {
  name: 'sse',
  canHold: true,
  open(opening) {
    const stream = new Stream(opening)
    const session = fetching(opening, async (signal, room) => {
      stream.signal = signal
      const { settings, token, hearing, subscriptions } = opening
      const asked = { query: watchQuery(opening), headers: { accept: 'text/event-stream' }, signal, token }
      const { body, headers } = await send(settings, '/v1/events', asked)
      if (!headers.get('content-type')?.startsWith('text/event-stream')) {
        throw unreachable('no stream; is it a Watchpost server?')
      }
      const parser = new SseParser(({ data }) => {
        if (signal.aborted) return
        stream.take(JSON.parse(data) as Message, data.length, subscriptions())
      })
      for await (const text of texts(body)) {
        hearing.heard()
        parser.push(text)
        await room()
      }
      return stream.end('the stream ended')
    })
    return Object.assign(session, { renew: (token: string) => stream.renew(token) })
  },
}
