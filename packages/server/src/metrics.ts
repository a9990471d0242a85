/** Metrics in Prometheus' text format [WP-3.14]. One registry per server, so that several in a process don't mix. */
import type { Hub, Log } from '@watchpost/core'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Connections } from './http/connections.ts'

/** Named against Prometheus' own conventions, and of little use to an operator. */
const LEFT_OUT = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export class Metrics {
  readonly registry: Registry = new Registry()
  readonly requests: Counter<'route' | 'method' | 'status'>
  readonly problems: Counter<'problem'>
  readonly cut: Counter<'transport' | 'reason'>
  readonly #published: Counter<'topic'>
  readonly #publishes: Counter<'topic'>

  constructor() {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    for (const name of LEFT_OUT) this.registry.removeSingleMetric(name)
    this.#published = new Counter({
      name: 'watchpost_events_published_total',
      help: 'Events acknowledged by this process, by topic definition.',
      labelNames: ['topic'],
      registers,
    })
    this.#publishes = new Counter({
      name: 'watchpost_publishes_total',
      help: 'Publishes acknowledged by this process, by topic definition; each may hold many events.',
      labelNames: ['topic'],
      registers,
    })
    this.requests = new Counter({
      name: 'watchpost_http_requests_total',
      help: 'HTTP requests whose answer ended, by route, method and status.',
      labelNames: ['route', 'method', 'status'],
      registers,
    })
    this.problems = new Counter({
      name: 'watchpost_problems_total',
      help: 'Problems that clients were answered with.',
      labelNames: ['problem'],
      registers,
    })
    this.cut = new Counter({
      name: 'watchpost_connections_cut_total',
      help: 'Connections that were ended for what their clients did or failed to do, by transport and reason.',
      labelNames: ['transport', 'reason'],
      registers,
    })
  }

  /** `topic` is the definition's template: names of topics are the clients' choice, and would grow without bound. */
  countPublish(topic: string, events: number): void {
    this.#publishes.inc({ topic })
    this.#published.inc({ topic }, events)
  }

  /** Adds the figures that are read off the parts when they are asked for. */
  observe(parts: { readonly log: Log; readonly hub: Hub; readonly connections: Connections }): void {
    const { log, hub, connections } = parts
    const registers = [this.registry]
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
    gauge('watchpost_log_head_offset', 'Events ever appended to the log.', () => log.head)
    gauge('watchpost_hub_feeds', 'Different feeds that have subscriptions.', () => hub.feeds)
    gauge(
      'watchpost_hub_lag_events',
      'Events that are durable but not yet handed to feeds.',
      () => log.head - hub.position,
    )
    gauge(
      'watchpost_subscriptions_catching_up',
      'Subscriptions that read the log at this moment, since they are new or their clients were slow.',
      () => hub.catchingUp,
    )
    gauge(
      'watchpost_buffered_bytes',
      'Bytes that wait in memory for clients to take them.',
      () => connections.bufferedBytes,
    )
    new Gauge({
      name: 'watchpost_connections',
      help: 'Open streams, WebSockets and waiting long polls, by transport.',
      labelNames: ['transport'],
      registers,
      collect() {
        this.reset()
        for (const transport of ['sse', 'long-poll', 'websocket'])
          this.set({ transport }, connections.counts().get(transport) ?? 0)
      },
    })
    const counter = (name: string, help: string, read: () => number): void => {
      new Counter({
        name,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    }
    counter('watchpost_events_dispatched_total', 'Events handed to feeds by this process.', () => hub.eventsDispatched)
    counter(
      'watchpost_events_passed_over_total',
      'Events that slow clients were not sent, since their topic keeps only the latest of a key for them.',
      () => hub.eventsPassedOver,
    )
  }
}
