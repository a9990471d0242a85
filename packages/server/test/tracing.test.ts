/** Spans of OpenTelemetry, made by its own SDK out of what a real server does. */
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import { Registry, type Resolved } from '@watchpost/core'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { createTracing } from '../src/tracing.ts'
import { metric } from './fixtures/http.ts'
import { openRaw } from './fixtures/raw-socket.ts'
import { get, openSse, post, type Running, startServer, TOPICS } from './harness.ts'

const LINE = { type: 'line', data: { text: 'for nobody to trace' } }
const MESSAGE = { type: 'message', data: {} }
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'
const traced = (flags: '00' | '01'): { readonly traceparent: string } => ({
  traceparent: `00-${TRACE}-${PARENT}-${flags}`,
})

interface Traced extends Running {
  /** Spans that ended, by how their names begin. */
  readonly spans: (name: string) => readonly ReadableSpan[]
  /** Resolves with such spans once there are so many. */
  readonly spansWhen: (name: string, count: number) => Promise<readonly ReadableSpan[]>
}

/** A server that was started after an SDK was registered, which is put away when the test ends. */
async function startTraced(): Promise<Traced> {
  const exporter = new InMemorySpanExporter()
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  provider.register()
  onTestFinished(() => provider.shutdown())
  const running = await startServer()
  const spans = (name: string): readonly ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => span.name.startsWith(name))
  return {
    ...running,
    spans,
    spansWhen: async (name, count) => {
      await expect.poll(() => spans(name).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
      return spans(name)
    },
  }
}

afterEach(() => {
  trace.disable()
  context.disable()
  propagation.disable()
})

const idsOf = (spans: readonly ReadableSpan[]): readonly string[] => spans.map((span) => span.spanContext().spanId)
const linkedBy = (span: ReadableSpan | undefined): readonly string[] =>
  span?.links.map((link) => link.context.spanId) ?? []

describe('a publish', () => {
  it('has a span below that of who sent it', async () => {
    const { url, spans } = await startTraced()
    const { status } = await post(`${url}/v1/topics/chat/lobby`, [MESSAGE, MESSAGE], traced('01'))
    expect(status).toBe(201)
    const [span, ...others] = spans('')
    expect(others).toEqual([])
    expect(span).toMatchObject({ name: 'publish chat/{room}', kind: SpanKind.PRODUCER, links: [] })
    expect(span?.spanContext().traceId).toBe(TRACE)
    expect(span?.parentSpanContext?.spanId).toBe(PARENT)
    expect(span?.status.code).toBe(SpanStatusCode.UNSET)
    expect(span?.attributes).toEqual({
      'messaging.system': 'watchpost',
      'messaging.operation.name': 'publish',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'chat/lobby',
      'messaging.destination.template': 'chat/{room}',
      'messaging.batch.message_count': 2,
    })
  })

  it('has a span of its own trace without `traceparent`, or with one that is none', async () => {
    const { url, spans } = await startTraced()
    await post(`${url}/v1/topics/log`, LINE)
    await post(`${url}/v1/topics/log`, LINE, { traceparent: `00-${'0'.repeat(32)}-${PARENT}-01` })
    await post(`${url}/v1/topics/log`, LINE, { traceparent: 'nonsense' })
    const made = spans('publish log')
    expect(made.map(({ parentSpanContext }) => parentSpanContext)).toEqual([undefined, undefined, undefined])
    expect(new Set(made.map((span) => span.spanContext().traceId)).size).toBe(3)
  })

  it('has a span by WebSocket too, and within the program, where it is below the one that is active', async () => {
    const { url, watchpost, spans } = await startTraced()
    const socket = await openRaw(url)
    socket.ask({ type: 'publish', id: '1', data: { topic: 'log', ...LINE } })
    await socket.next(({ re }) => re === '1')
    const parent = trace.getTracer('test').startSpan('the host')
    await context.with(trace.setSpan(context.active(), parent), () => watchpost.publish('log', LINE))
    parent.end()
    const [bySocket, within] = spans('publish log')
    expect(bySocket?.parentSpanContext).toBeUndefined()
    expect(within?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId)
  })

  it('that fails tells with which problem, and nothing of the data', async () => {
    const { url, spans } = await startTraced()
    const event = { type: 'priceUpdate', data: { symbol: 'a secret', price: 'another secret' } }
    expect((await post(`${url}/v1/topics/stocks`, event)).status).toBe(422)
    const [span] = spans('publish stocks')
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.attributes).toMatchObject({ 'error.type': '/problems/invalid-event' })
    expect(span?.events).toEqual([])
    expect(JSON.stringify([span?.attributes, span?.status, span?.name])).not.toContain('secret')
  })
})

describe('a delivery', () => {
  it('has one span for all members of a feed, linked to the publish', async () => {
    const { url, spans, spansWhen } = await startTraced()
    const streams = await Promise.all([1, 2, 3].map(() => openSse(`${url}/v1/topics/chat/lobby`)))
    const socket = await openRaw(url, { path: '/v1/topics/chat/lobby' })
    await socket.next(({ type }) => type === 'subscribed')
    await Promise.all(streams.map((stream) => stream.next(({ event }) => event === 'welcome')))
    await post(`${url}/v1/topics/chat/lobby`, [MESSAGE, MESSAGE], traced('01'))
    await Promise.all(streams.map((stream) => stream.events(2)))
    const delivered = await spansWhen('deliver chat/{room}', 2)
    const published = spans('publish')
    expect(new Set(delivered.map(({ attributes }) => attributes['watchpost.members']))).toEqual(new Set([1, 3]))
    for (const span of delivered) {
      expect(span).toMatchObject({ kind: SpanKind.INTERNAL, parentSpanContext: undefined })
      expect(span.spanContext().traceId).not.toBe(TRACE)
      expect(span.links.map((link) => link.context.traceId)).toEqual([TRACE])
      expect(linkedBy(span)).toEqual(idsOf(published))
      expect(span.attributes).toEqual({
        'messaging.system': 'watchpost',
        'messaging.operation.name': 'deliver',
        'messaging.destination.name': 'chat/lobby',
        'messaging.destination.template': 'chat/{room}',
        'messaging.batch.message_count': 2,
        'watchpost.members': expect.any(Number),
        'watchpost.encoding': expect.stringMatching(/./),
      })
      expect(span.ended).toBe(true)
    }
  })

  it('is linked to every publish that it has events of, once, whatever came in between', async () => {
    const { url, watchpost, spans } = await startTraced()
    const stream = await openSse(`${url}/v1/events?topic=log&topic=chat/*`)
    await stream.next(({ event }) => event === 'welcome')
    // Until it is live, it reads the log.
    await expect.poll(() => metric(url, 'watchpost_subscriptions_catching_up')).toBe(0)
    await Promise.all(
      Array.from({ length: 60 }, (_, i) =>
        i % 2 === 0
          ? watchpost.publish('log', [LINE, LINE, LINE])
          : post(`${url}/v1/topics/chat/${i}`, [MESSAGE, MESSAGE]),
      ),
    )
    await stream.events(150)
    const count = (name: string): number => spans(name).length
    await expect.poll(() => spans('deliver').flatMap((span) => linkedBy(span)).length).toBe(60)
    expect([count('publish log'), count('publish chat/{room}')]).toEqual([30, 30])
    const linked = spans('deliver').flatMap((span) => linkedBy(span))
    expect([...linked].sort()).toEqual([...idsOf(spans('publish'))].sort())
    const events = spans('deliver').reduce(
      (sum, span) => sum + Number(span.attributes['messaging.batch.message_count']),
      0,
    )
    expect(events).toBe(150)
    // Of several definitions at once, a span can name none.
    for (const { name, attributes } of spans('deliver')) {
      const template = attributes['messaging.destination.template']
      expect(name).toBe(template === undefined ? 'deliver' : `deliver ${String(template)}`)
    }
  })

  it('is linked to no publish that is not sampled, and reading the log is none', async () => {
    const { url, spansWhen, spans } = await startTraced()
    const stream = await openSse(`${url}/v1/topics/log`)
    await stream.next(({ event }) => event === 'welcome')
    await post(`${url}/v1/topics/log`, LINE, traced('00'))
    await stream.events(1)
    const [span] = await spansWhen('deliver log', 1)
    expect(linkedBy(span)).toEqual([])
    expect(spans('publish')).toEqual([])
    // What is read from the log is no delivery of a feed.
    const late = await openSse(`${url}/v1/topics/log?after=earliest`)
    await late.events(1)
    expect((await get(`${url}/v1/topics/log`)).body.events).toHaveLength(1)
    expect(spans('deliver')).toHaveLength(1)
  })
})

describe('without an SDK', () => {
  it('nothing is observed', async () => {
    const registry = new Registry(TOPICS)
    const tracing = createTracing(registry)
    expect(tracing.onDelivered).toBeUndefined()
    const publishing = { resolved: registry.resolve('log') as Resolved, events: 1 }
    const appended = Promise.resolve({ first: 1, timestamps: [], replayed: false })
    // Not even a promise of its own is made.
    expect(tracing.publish(publishing, () => appended)).toBe(appended)
    await appended
  })
})
