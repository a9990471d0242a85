/** A server, its clients and events that are published at an even pace: what each delivery costs, and how late it is. */
import { Role, type Usage } from './roles.ts'
import type { Server } from './servers.ts'

/** What is asked of a server. */
export interface Load {
  readonly clients: number
  readonly perSecond: number
  /** Makes events larger: levels of an order book in each. */
  readonly levels?: number
}

/** What was seen of one load. */
export interface Delivery {
  /** CPU time of the server per delivery. */
  readonly cpuMicros: number
  /** CPU time of server and clients as shares of one core. */
  readonly ofCore: number
  readonly clientsOfCore: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** The share of events that arrived. */
  readonly delivered: number
  /** Bytes that a client received per event. */
  readonly bytes: number
  /** What the server had used after each part of the load. */
  readonly parts: readonly { readonly seconds: number; readonly usage: Usage }[]
}

interface Report {
  readonly events: number
  readonly bytes: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The longest that is published before the server is asked what it has used. */
const PART_SECONDS = 10

/** One run: a server and its clients, each in a process of its own. */
export class Bench {
  readonly server: Role
  readonly clients: Role
  readonly #load: Load

  private constructor(server: Role, clients: Role, load: Load) {
    this.server = server
    this.clients = clients
    this.#load = load
  }

  /** Starts both, has them do what is asked, and stops them. No client is connected yet. */
  static async run<Result>(server: Server, load: Load, use: (bench: Bench) => Promise<Result>): Promise<Result> {
    const { role, ready: url } = await Role.start(server.file, server.args)
    const { role: clients } = await Role.start('subscribers.js', [`${url}${server.path}`, server.dialect])
    try {
      return await use(new Bench(role, clients, load))
    } finally {
      await clients.stop()
      await role.stop()
    }
  }

  /** Publishes to whoever is connected. */
  async publish(seconds: number): Promise<void> {
    const { perSecond, levels = 0 } = this.#load
    await this.server.ask('publish', perSecond, perSecond * seconds, levels)
  }

  /** CPU time of the server per event, while nobody is connected. */
  async publishAlone(seconds: number): Promise<number> {
    // A second of the same load first, so that code is compiled and buffers have their size.
    await this.publish(1)
    const before = await this.server.ask<Usage>('usage')
    await this.publish(seconds)
    const after = await this.server.ask<Usage>('usage')
    return (after.cpuMicros - before.cpuMicros) / (seconds * this.#load.perSecond)
  }

  /** Connects all clients, and delivers to them for a second. */
  async connect(): Promise<void> {
    await this.clients.ask('connect', this.#load.clients)
    await this.deliver(1)
  }

  /** Publishes, and waits until all is delivered or no more comes. */
  async deliver(seconds: number): Promise<Delivery> {
    const { clients, perSecond } = this.#load
    const before = await this.#usages()
    const startMs = performance.now()
    const parts: { seconds: number; usage: Usage }[] = []
    for (let done = 0; done < seconds; done = Math.min(seconds, done + PART_SECONDS)) {
      await this.publish(Math.min(PART_SECONDS, seconds - done))
      parts.push({ seconds: Math.min(seconds, done + PART_SECONDS), usage: await this.server.ask<Usage>('usage') })
    }
    const events = seconds * perSecond
    const report = await this.clients.ask<Report>('report', events)
    const elapsedMicros = (performance.now() - startMs) * 1_000
    const after = await this.#usages()
    const cpuMicros = after.server.cpuMicros - before.server.cpuMicros
    return {
      cpuMicros: cpuMicros / (events * clients),
      ofCore: cpuMicros / elapsedMicros,
      clientsOfCore: (after.clients.cpuMicros - before.clients.cpuMicros) / elapsedMicros,
      p50Ms: report.p50Ms,
      p99Ms: report.p99Ms,
      delivered: report.events / events,
      bytes: report.bytes / clients / events,
      parts,
    }
  }

  async #usages(): Promise<{ readonly server: Usage; readonly clients: Usage }> {
    return { server: await this.server.ask<Usage>('usage'), clients: await this.clients.ask<Usage>('usage') }
  }
}
