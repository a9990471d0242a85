/** What a client holds does not grow with how often it was cut off. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { startServer, TRANSPORTS } from './harness.ts'

const CHILD = fileURLToPath(new URL('fixtures/reconnecting.mjs', import.meta.url))
const RECONNECTS = 1_000
const MEASURED_AT = [200, 600, 1_000]
/** Published after every so many reconnects. */
const EVENT_EVERY = 20

/** As if each reconnect had left a thousand bytes behind. */
const GROWTH_BYTES_MAX = 800_000

/** What a child tells. */
interface Told {
  readonly opened: number
  readonly heard: number
  readonly inOrder: number
  readonly heldBytes?: number
  /** Timers, sockets, and whatever else keeps a process alive. */
  readonly resources?: number
}

const measured: Record<string, Record<string, string>> = {}

afterAll(() => console.table(measured))

class Child {
  readonly transport: string
  readonly proxy: FaultProxy
  readonly #process: ChildProcess
  #told: Told = { opened: 0, heard: 0, inOrder: 0 }

  constructor(transport: string, proxy: FaultProxy) {
    this.transport = transport
    this.proxy = proxy
    // Code that is made faster while it runs takes memory of its own, which is nothing that a reconnect leaves behind.
    const execArgv = ['--expose-gc', '--no-opt', '--no-maglev']
    const child = fork(CHILD, [proxy.url, transport], { execArgv })
    this.#process = child
    child.on('message', (told) => {
      this.#told = told as Told
    })
    onTestFinished(async () => {
      if (child.exitCode !== null) return
      child.disconnect()
      await once(child, 'exit')
    })
  }

  async until(isMet: (told: Told) => boolean): Promise<Told> {
    while (!isMet(this.#told)) await once(this.#process, 'message')
    return this.#told
  }

  /** Resolves once it was opened again after so many reconnects. */
  async reopened(reconnects: number): Promise<void> {
    // What is cut between two polls is not missed.
    const again = this.transport === 'long-poll' ? setInterval(() => this.proxy.cut(), 10) : undefined
    await this.until(({ opened }) => opened > reconnects)
    clearInterval(again)
  }

  measure(): Promise<Told> {
    this.#process.send('measure')
    return this.until(({ heldBytes }) => heldBytes !== undefined)
  }
}

it(`what is held is steady through ${RECONNECTS} reconnects [WP-2.5]`, { timeout: 300_000 }, async () => {
  const server = await startServer({ compression: false })
  const start = async (transport: string) => new Child(transport, await FaultProxy.start(server.url))
  const children = await Promise.all(TRANSPORTS.map(start))
  const each = <Result>(act: (child: Child) => Promise<Result>) => Promise.all(children.map(act))
  const held: (readonly Told[])[] = []
  let published = 0
  for (let i = 0; i <= RECONNECTS; i++) {
    await each((child) => child.reopened(i))
    if (i % EVENT_EVERY === 0) {
      await server.publish('log', published++, 1)
      await each((child) => child.until(({ heard }) => heard === published))
    }
    if (MEASURED_AT.includes(i)) held.push(await each((child) => child.measure()))
    for (const { proxy } of children) proxy.cut()
  }
  for (const [i, { transport }] of children.entries()) {
    const told = held.map((all) => all[i] as Required<Told>)
    measured[transport] = Object.fromEntries(
      told.map(({ heldBytes }, at) => [`after ${MEASURED_AT[at]}`, `${(heldBytes / 1e6).toFixed(2)} MB`]),
    )
  }
  for (const [i, { proxy }] of children.entries()) {
    const [first, , last] = held.map((all) => all[i]) as [Required<Told>, Told, Required<Told>]
    expect(last.heldBytes - first.heldBytes).toBeLessThan(GROWTH_BYTES_MAX)
    expect(last.resources - first.resources).toBeLessThan(10)
    expect(last).toMatchObject({ opened: RECONNECTS + 1, heard: published, inOrder: published })
    expect(proxy.connections).toBeGreaterThan(RECONNECTS)
  }
})
