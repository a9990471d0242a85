/**
 * Drain [WP-3.17]: the way out that causes no stampede. New connections are refused at once and long polls answered; all
 * others are ended one after the other, evenly over a while, each told when to come back, to this log or another node.
 */
import type { Clock } from '@watchpost/core'
import type { Logger } from 'pino'
import type { Connections } from './http/connections.ts'

/** Few connections need no long while: so much for each is slow enough for any server that takes them over. */
const FOR_EACH_MS = 25

/** How often it is looked which connections are due. */
const STEP_MS = 10

/** How long the last ones may take for their goodbye. */
const GOODBYE_MS = 6_000

interface Parts {
  readonly connections: Connections
  readonly clock: Clock
  readonly logger: Logger
  /** The longest time to spread the ends of connections over. */
  readonly drainMs: number
}

/** What a drain was begun with. */
export interface Drained {
  readonly connections: number
  /** Until the last of them is ended. */
  readonly drainMs: number
}

export class Drain {
  readonly #parts: Parts
  readonly #onBegin: (() => void)[] = []
  #begun: Drained | undefined
  #ended: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get hasBegun(): boolean {
    return this.#begun !== undefined
  }

  /** Begins to drain, or tells of the drain that was begun before. */
  begin(): Drained {
    this.#begun ??= this.#begin()
    return this.#begun
  }

  /** Has something done when the drain begins. */
  whenBegun(act: () => void): void {
    this.#onBegin.push(act)
  }

  /** Resolves when all connections are gone, or had the time for it. */
  async ended(): Promise<void> {
    this.begin()
    await this.#ended
  }

  #begin(): Drained {
    const { connections, logger } = this.#parts
    connections.refuseNew()
    for (const act of this.#onBegin) act()
    const open = connections.list().map(({ connection }) => connection)
    const lasting = open.filter(({ transport }) => transport !== 'long-poll')
    for (const each of open) if (each.transport === 'long-poll') each.goAway()
    const drainMs = Math.min(this.#parts.drainMs, lasting.length * FOR_EACH_MS)
    logger.info({ connections: open.length, drainMs }, 'draining')
    this.#endEvenly(lasting, drainMs)
    this.#ended = this.#emptied(drainMs + GOODBYE_MS)
    return { connections: open.length, drainMs }
  }

  /** One that has left by itself in the meantime keeps its place, so that the others come no closer together. */
  #endEvenly(lasting: readonly { goAway(): void }[], drainMs: number): void {
    const { connections, clock } = this.#parts
    const beganMs = clock.monotonic()
    let next = 0
    const step = (): void => {
      // Ended otherwise meanwhile, all at once.
      if (connections.closing) return
      const share = drainMs === 0 ? 1 : Math.min(1, (clock.monotonic() - beganMs) / drainMs)
      const due = Math.ceil(share * lasting.length)
      while (next < due) lasting[next++]?.goAway()
      if (next < lasting.length) clock.after(STEP_MS, step)
    }
    step()
  }

  async #emptied(timeMs: number): Promise<void> {
    const { connections, clock } = this.#parts
    let stopTimer = (): void => undefined
    const patience = new Promise<void>((resolve) => {
      stopTimer = clock.after(timeMs, resolve)
    })
    await Promise.race([connections.emptied(), patience])
    stopTimer()
  }
}
