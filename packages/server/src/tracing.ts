/**
 * Spans of OpenTelemetry for publishes and deliveries, if an SDK was registered before the server was made. They have
 * the attributes of its conventions for messaging, and nothing of what events hold.
 */
import {
  type Attributes,
  context,
  type Link,
  ProxyTracerProvider,
  propagation,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import {
  type Appended,
  type Delivery,
  type LoggedEvent,
  type Registry,
  type Resolved,
  storedCount,
} from '@watchpost/core'
import { ProblemError, problemType, topicOf } from '@watchpost/protocol'
import { version } from './version.ts'

/** In so long a publish hears of what is durable. */
const SETTLED_MS = 100

const NAME = 'watchpost'

/** Publishes that are remembered for those deliveries that are still to come, and so many that one of them is linked to. */
const PUBLISHES_MAX = 4_096
const LINKS_MAX = 128

/** The topic, or just its template, that a span is about; neither if it is about several. */
interface Destination {
  readonly name?: string
  readonly template?: string
}

/** A publish, as its span tells of it. */
export interface Publishing {
  readonly resolved: Resolved
  readonly events: number
  /** Headers of the request, which can name the publisher's own span by `traceparent`; none if there is no request. */
  readonly headers?: object
}

/** What makes spans, or nothing of the kind. */
export interface Tracing {
  /** Runs a publish within a span of its own. It resolves and rejects as the publish does. */
  publish(publishing: Publishing, run: () => Promise<Appended>): Promise<Appended>
  /** To be told what feeds deliver; absent if nobody would make anything of it. */
  readonly onDelivered?: (delivery: Delivery) => void
}

const NO_TRACING: Tracing = { publish: (_publishing, run) => run() }

/** @param registry finds the definitions of delivered topics */
export function createTracing(registry: Registry): Tracing {
  const provider = trace.getTracerProvider()
  // The library's own stand-in, for which nobody has registered anything.
  const isAbsent = provider instanceof ProxyTracerProvider && provider.getDelegateTracer(NAME) === undefined
  return isAbsent ? NO_TRACING : new Spans(trace.getTracer(NAME, version), registry)
}

class Spans implements Tracing {
  readonly #tracer: Tracer
  readonly #registry: Registry
  readonly #publishes = new Publishes()
  /** What was delivered a moment ago, and when that ended, in milliseconds since the Unix epoch. */
  #delivered: { readonly delivery: Delivery; readonly endMs: number }[] = []

  constructor(tracer: Tracer, registry: Registry) {
    this.#tracer = tracer
    this.#registry = registry
  }

  publish({ resolved, events, headers }: Publishing, run: () => Promise<Appended>): Promise<Appended> {
    const destination = { name: resolved.name, template: resolved.topic.template }
    const attributes = { ...attributesOf('publish', destination, events), 'messaging.operation.type': 'send' }
    const kind = SpanKind.PRODUCER
    const active = context.active()
    // An instrumented HTTP server has read the header already, and made a span that is nearer.
    const parent = trace.getSpan(active) || headers === undefined ? active : propagation.extract(active, headers)
    const span = this.#tracer.startSpan(nameOf('publish', destination), { kind, attributes }, parent)
    return context.with(trace.setSpan(parent, span), async () => {
      try {
        const appended = await run()
        if (span.isRecording() && !appended.replayed) this.#publishes.remember(appended, span.spanContext())
        return appended
      } catch (error) {
        // Not the message, which may tell what is wrong with the data.
        const type = error instanceof ProblemError ? problemType(error.problem) : problemType('internal')
        span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    })
  }

  readonly onDelivered = (delivery: Delivery): void => {
    if (this.#delivered.length === 0) setTimeout(() => this.#deliver(), SETTLED_MS)
    this.#delivered.push({ delivery, endMs: Date.now() })
  }

  /**
   * Makes the spans of what was delivered a moment ago. Members are written to as soon as an event is durable, and that
   * can be before its publish has heard of it, which now it has.
   */
  #deliver(): void {
    const delivered = this.#delivered
    this.#delivered = []
    for (const { delivery, endMs } of delivered) {
      const { events, members, encoding, tookMs } = delivery
      const destination = this.#destinationOf(events)
      const attributes = {
        ...attributesOf('deliver', destination, events.length),
        ...{ 'watchpost.members': members, 'watchpost.encoding': encoding },
      }
      const options = {
        // Neither the producer nor the consumer, for which the conventions have kinds, but what is between them.
        ...{ kind: SpanKind.INTERNAL, root: true, attributes },
        ...{ startTime: endMs - tookMs, links: this.#publishes.linksTo(events) },
      }
      this.#tracer.startSpan(nameOf('deliver', destination), options).end(endMs)
    }
  }

  #destinationOf(events: readonly LoggedEvent[]): Destination {
    const names = new Set(events.map(({ json }) => topicOf(json)))
    const templates = new Set([...names].map((name) => this.#registry.resolve(name)?.topic.template))
    const [name] = names
    const [template] = templates
    return {
      ...(names.size === 1 && name !== undefined && { name }),
      ...(templates.size === 1 && template !== undefined && { template }),
    }
  }
}

const nameOf = (act: string, { template }: Destination): string => (template === undefined ? act : `${act} ${template}`)

function attributesOf(act: string, { name, template }: Destination, events: number): Attributes {
  return {
    ...{ 'messaging.system': NAME, 'messaging.operation.name': act, 'messaging.batch.message_count': events },
    ...(name !== undefined && { 'messaging.destination.name': name }),
    ...(template !== undefined && { 'messaging.destination.template': template }),
  }
}

interface Remembered {
  /** Offsets of its first and last event. */
  readonly first: number
  readonly last: number
  readonly context: SpanContext
}

/** The spans of this process's latest publishes, by the offsets of their events. */
class Publishes {
  /** In the order of offsets. */
  readonly #remembered: Remembered[] = []

  remember(appended: Appended, published: SpanContext): void {
    const { first } = appended
    const count = storedCount(appended)
    if (count === 0) return
    const last = first + count - 1
    // They are told of in the order of the log, or nearly so.
    const before = this.#remembered.findLastIndex((other) => other.first < first)
    this.#remembered.splice(before + 1, 0, { first, last, context: published })
    if (this.#remembered.length > PUBLISHES_MAX) this.#remembered.shift()
  }

  /** @param events in the order of offsets */
  linksTo(events: readonly LoggedEvent[]): Link[] {
    const links: Link[] = []
    let linkedThrough = 0
    for (const { offset, passing } of events) {
      // What is not stored has no offset to be known by.
      if (offset <= linkedThrough || passing !== undefined) continue
      const found = this.#find(offset)
      if (found === undefined) continue
      links.push({ context: found.context })
      if (links.length === LINKS_MAX) break
      linkedThrough = found.last
    }
    return links
  }

  #find(offset: number): Remembered | undefined {
    let low = 0
    let high = this.#remembered.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#remembered[middle] as Remembered).last < offset) low = middle + 1
      else high = middle
    }
    const found = this.#remembered[low]
    return found !== undefined && found.first <= offset ? found : undefined
  }
}
