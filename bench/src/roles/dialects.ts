/** How a client speaks with each kind of server: what it asks with, and how it reads what it is sent. */
import { constants, createInflateRaw } from 'node:zlib'
import { SseParser } from '@watchpost/protocol'
import { COMPRESSED, clientFrame, FrameReader, handshake, OPCODES, SHORT_BYTES_MAX } from './frames.ts'
import type { Event, Payload } from './pace.ts'

/** What a client does with what it reads. */
export interface Hooks {
  /** Sends bytes to the server. */
  send(bytes: Buffer): void
  /** The client is subscribed. */
  ready(): void
  /** An event came; a client that is not sampled does not look into it. */
  event(data?: Payload): void
}

export type DialectName = 'sse' | 'websocket' | 'websocket, deflated' | 'socket.io'

export interface Dialect {
  /** The first bytes of a client. */
  request(path: string): string
  /** What the head of the answer must be like. */
  readonly accepted: RegExp
  /** Whether a client that is not sampled counts its events too. */
  readonly countsAll: boolean
  /** Makes what takes the bytes that follow on the head of the answer. */
  reader(hooks: Hooks, sampled: boolean): (bytes: Buffer) => void
}

const sse: Dialect = {
  request: (path) => `GET ${path} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n`,
  accepted: /^HTTP\/1\.1 200 /,
  countsAll: false,
  reader: (hooks, sampled) => {
    hooks.ready()
    if (!sampled) return () => undefined
    const parser = new SseParser(({ event, data }) => {
      if (event === 'priceUpdate') hooks.event((JSON.parse(data) as Event).data)
    })
    return (bytes) => parser.push(bytes.toString('latin1'))
  },
}

/** Reads each message for a sampled client, and of others only the length: only events are long, once clients are connected. */
function messages(hooks: Hooks, sampled: boolean, onText: (text: string) => void): (bytes: Buffer) => void {
  let inflate: ((payload: Buffer) => void) | undefined
  const reader = new FrameReader((first, bytes, start, end) => {
    const opcode = first & 0x0f
    if (opcode === OPCODES.ping) hooks.send(clientFrame(OPCODES.pong, bytes.subarray(start, end)))
    if (opcode !== OPCODES.text) return
    if (!sampled && end - start > SHORT_BYTES_MAX) hooks.event()
    else if ((first & COMPRESSED) !== 0) {
      inflate ??= inflater(onText)
      inflate(bytes.subarray(start, end))
    } else onText(bytes.toString('utf8', start, end))
  })
  return (bytes) => reader.push(bytes)
}

/** Inflates messages, whether or not the server keeps its context from one to the next. */
function inflater(onText: (text: string) => void): (payload: Buffer) => void {
  const inflate = createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH })
  let text = ''
  inflate.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  return (payload) => {
    inflate.write(Buffer.concat([payload, Buffer.from([0, 0, 0xff, 0xff])]))
    inflate.flush(() => {
      onText(text)
      text = ''
    })
  }
}

const websocket = (accepted: RegExp, ...headers: readonly string[]): Dialect => ({
  request: (path) => handshake(path, ...headers),
  accepted,
  countsAll: true,
  reader: (hooks, sampled) => {
    hooks.ready()
    return messages(hooks, sampled, (text) => {
      if (!sampled) return
      const message = JSON.parse(text) as Event
      if (message.type === 'priceUpdate') hooks.event(message.data)
    })
  },
})

/** Packets of Engine.IO 4: `0` opens, `2` is a ping, `3` its pong, and in `4` is one of Socket.IO 5: `0` connects, `2` is an event. */
const socketIo: Dialect = {
  request: (path) => handshake(path),
  accepted: /^HTTP\/1\.1 101 /,
  countsAll: true,
  reader: (hooks, sampled) =>
    messages(hooks, sampled, (text) => {
      if (text.startsWith('0')) hooks.send(clientFrame(OPCODES.text, '40'))
      else if (text === '2') hooks.send(clientFrame(OPCODES.text, '3'))
      else if (text.startsWith('40')) hooks.ready()
      else if (text.startsWith('42')) {
        const [type, data] = JSON.parse(text.slice(2)) as [string, Event]
        if (type === 'priceUpdate') hooks.event(data.data)
      }
    }),
}

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  sse,
  websocket: websocket(/^HTTP\/1\.1 101 /),
  'websocket, deflated': websocket(
    /^HTTP\/1\.1 101 [^]*\bpermessage-deflate\b/,
    // As browsers offer it.
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits',
  ),
  'socket.io': socketIo,
}
