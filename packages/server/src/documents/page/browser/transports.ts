/** The ways to watch, each as a program that tells what comes until it is stopped. */
import { ask, type EventsPage, type Failure, failureOf, openSocket, Refused, waitSeconds } from './api.ts'
import type { Message } from './feed.ts'

/** Where a way to watch tells of itself. */
export interface Told {
  /** A message as the server sent it. */
  message(message: Message): void
  /** How it goes, for people. */
  status(text: string): void
  /** Where to go on from. */
  cursor(cursor: string): void
}

/** Ends when there is nothing more to come, or `signal` says so. @throws Refused */
export type Way = (address: URL, told: Told, signal: AbortSignal) => Promise<void>

async function readPage(address: URL, told: Told, signal: AbortSignal): Promise<EventsPage> {
  const response = await ask(address.href, { signal })
  if (!response.ok) throw new Refused(await failureOf(response))
  const answer = (await response.json()) as EventsPage
  for (const event of answer.events) told.message(event as Message)
  told.cursor(answer.cursor)
  return answer
}

async function page(address: URL, told: Told, signal: AbortSignal): Promise<void> {
  const { more, next } = await readPage(address, told, signal)
  told.status(more === true || next !== undefined ? 'answered; there are more' : 'answered')
}

/** Asks again from each answer's cursor on. */
async function longPoll(address: URL, told: Told, signal: AbortSignal): Promise<void> {
  const next = new URL(address)
  next.searchParams.set('wait', waitSeconds)
  told.status(`live: asking again after each answer, which waits ${waitSeconds} seconds at most`)
  for (;;) {
    const { cursor } = await readPage(next, told, signal)
    next.searchParams.delete('last')
    next.searchParams.set('after', cursor)
  }
}

async function sse(address: URL, told: Told, signal: AbortSignal): Promise<void> {
  const response = await ask(address.href, { signal }, { accept: 'text/event-stream' })
  if (!response.ok || response.body === null) throw new Refused(await failureOf(response))
  told.status('live by SSE')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  for (let rest = ''; ; ) {
    const { done, value } = await reader.read()
    if (done) return told.status('the server has ended the stream')
    // Each frame ends with an empty line, and has the message in one line [WP-3.8].
    const frames = `${rest}${value}`.split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) tellFrame(frame, told)
  }
}

function tellFrame(frame: string, told: Told): void {
  const lines = frame.split('\n')
  const valueOf = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  const [data, id] = [valueOf('data'), valueOf('id')]
  if (data !== undefined) told.message(JSON.parse(data) as Message)
  if (id !== undefined) told.cursor(id)
}

async function websocket(address: URL, told: Told, signal: AbortSignal): Promise<void> {
  const socket = openSocket(address.href)
  let isOpen = false
  signal.addEventListener('abort', () => socket.close(1000))
  socket.addEventListener('open', () => {
    isOpen = true
    told.status('live by WebSocket')
  })
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message & { readonly data?: { readonly cursor?: string } }
    told.message(message)
    // The id of an event is the cursor after it; a control message has its cursor within.
    const cursor = typeof message.id === 'string' ? message.id : message.data?.cursor
    if (cursor !== undefined) told.cursor(cursor)
  })
  const { code, reason } = await new Promise<CloseEvent>((resolve) => socket.addEventListener('close', resolve))
  if (signal.aborted) return
  if (!isOpen) throw new Refused(await whyRefused(address, signal))
  told.status(`closed with ${code} ${reason}`.trim())
}

/** Browsers tell pages nothing of a handshake that was refused: but the same path says the same to whoever asks it. */
async function whyRefused(address: URL, signal: AbortSignal): Promise<Failure> {
  const response = await ask(address.href, { signal })
  if (!response.ok) {
    const failure = await failureOf(response)
    if (failure.transports?.includes('websocket') !== true) return failure
  }
  const words =
    'The handshake was refused, though the topic is there for you: the server may have enough connections, or a proxy before it does not pass WebSockets on.'
  return { words }
}

/** By the values of the form. */
export const WAYS: Readonly<Record<string, Way>> = { page, 'long-poll': longPoll, sse, websocket, state: page }
