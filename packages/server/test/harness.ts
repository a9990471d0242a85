/** Starts real servers for black-box tests, and stops them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SseParser } from '@watchpost/protocol'
import { afterAll, beforeAll } from 'vitest'
import { type Config, createWatchpost, type Topics, topic, type Watchpost } from 'watchpost'
import { ONE_ADDRESS } from './fixtures/one-address.ts'
import { noteError, notesLogger } from './fixtures/secrets-notes.ts'
import { whenOver } from './fixtures/side-by-side.ts'

/** Topics of every kind that the tests need. */
export const TOPICS = {
  stocks: topic({
    events: {
      priceUpdate: {
        type: 'object',
        required: ['symbol', 'price'],
        properties: { symbol: { type: 'string' }, price: { type: 'number' } },
      },
    },
    key: '/symbol',
    watch: 'anyone',
    publish: 'anyone',
  }),
  log: topic({ events: { line: {}, note: {} }, watch: 'anyone', publish: 'anyone' }),
  'chat/{room}': topic({ events: { message: { type: 'object' } }, watch: 'anyone', publish: 'anyone' }),
} as const

export interface Running {
  readonly url: string
  readonly watchpost: Watchpost
  readonly dataDir: string
  close(): Promise<void>
}

/** A temporary directory that is removed when the test ends. */
export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'watchpost-'))
  whenOver(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** A server that logs everything to the notes of the run. */
async function createNoted(config: Partial<Config>): Promise<Watchpost> {
  const limits = { ...ONE_ADDRESS, ...config.limits }
  try {
    return await createWatchpost<Topics>({ topics: TOPICS, ...config, limits }, { logger: notesLogger() })
  } catch (error) {
    noteError(String(error))
    throw error
  }
}

/** Starts a server on a free port; it is closed when the test ends. */
export async function startServer(config: Partial<Config> = {}): Promise<Running> {
  const dataDir = config.dataDir ?? (await temporaryDir())
  const watchpost = await createNoted({
    ...config,
    dataDir,
    listen: { host: '127.0.0.1', port: 0, ...config.listen },
  })
  whenOver(() => watchpost.close())
  const { url } = await watchpost.listen()
  return { url, watchpost, dataDir, close: () => watchpost.close() }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: ReturnType<typeof JSON.parse>
}

export async function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return answerOf(await fetch(url, { headers }))
}

export async function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return answerOf(
    await fetch(url, { method: 'POST', body: text, headers: { 'content-type': 'application/json', ...headers } }),
  )
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  if (response.status >= 400) noteError(text)
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

export interface Message {
  readonly id: string
  readonly event: string
  readonly data: Record<string, unknown>
}

export interface OpenStream {
  readonly messages: Message[]
  readonly headers: Headers
  readonly ended: Promise<void>
  /** Resolves with the first message that fits, once it has come. */
  next(fits: (message: Message) => boolean): Promise<Message>
  /** Resolves once so many messages of events, not of control, have come. */
  events(count: number): Promise<Message[]>
  close(): void
}

const CONTROL = new Set(['welcome', 'bookmark', 'gap', 'expiring', 'goodbye', 'error'])

/** Opens an SSE stream by plain fetch and our own parser; it is closed when the test ends. */
export async function openSse(url: string, headers: Record<string, string> = {}): Promise<OpenStream> {
  const controller = new AbortController()
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream', ...headers },
    signal: controller.signal,
  })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  const messages: Message[] = []
  let wake: () => void = () => undefined
  let isOver = false
  const parser = new SseParser(({ id, event, data }) => {
    if (event === 'error') noteError(data)
    messages.push({ id, event, data: JSON.parse(data) as Record<string, unknown> })
  })
  const ended = (async () => {
    const decoder = new TextDecoder()
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        parser.push(decoder.decode(chunk, { stream: true }))
        wake()
      }
    } catch {
      // Cut off, by either side.
    }
    isOver = true
    wake()
  })()
  const until = async <Found>(find: () => Found | undefined, what: string): Promise<Found> => {
    const deadline = Date.now() + 20_000
    for (;;) {
      const found = find()
      if (found !== undefined) return found
      if (isOver || Date.now() > deadline) throw new Error(`${what} did not come; got ${JSON.stringify(messages)}`)
      await new Promise<void>((resolve) => {
        wake = resolve
        setTimeout(resolve, 250)
      })
    }
  }
  whenOver(() => controller.abort())
  return {
    messages,
    headers: response.headers,
    ended,
    next: (fits) => until(() => messages.find(fits), 'the message'),
    events: (count) =>
      until(() => {
        const events = messages.filter((message) => !CONTROL.has(message.event))
        return events.length >= count ? events : undefined
      }, `${count} events`),
    close: () => controller.abort(),
  }
}

/** A server for all tests of a file or `describe`, started before the first of them and closed after the last. */
export function serverForAll(config: Partial<Config>): { readonly url: string } {
  const running = { url: '' }
  let close = (): Promise<void> => Promise.resolve()
  beforeAll(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'watchpost-'))
    const watchpost = await createNoted({ ...config, dataDir, listen: { host: '127.0.0.1', port: 0 } })
    close = async () => {
      await watchpost.close()
      await rm(dataDir, { recursive: true, force: true })
    }
    running.url = (await watchpost.listen()).url
  })
  afterAll(() => close())
  return running
}
