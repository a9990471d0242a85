/** What a case is, and what it is given. */
import { randomUUID } from 'node:crypto'
import type { Driver, NewEvent, Published } from './driver.ts'
import type { Loss } from './loss.ts'
import { post } from './publish.ts'

export interface Context {
  readonly baseUrl: string
  /** What the case is about. */
  readonly driver: Driver
  /** A cursor that another log gave out. */
  readonly foreignCursor: string
  /** Topics of which events were lost; cases only watch them. */
  readonly loss: Loss
  /** The segment that this run's topics have in the place of `{run}`. */
  readonly run: string
  /** Publishes to a topic by POST. */
  readonly publish: (topic: string, events: readonly NewEvent[]) => Promise<readonly Published[]>
}

/** One thing that a server promises. `name` says it, with the clauses that do. */
export interface Case {
  readonly name: string
  /** @throws AssertionError or any other Error if the server breaks its promise */
  readonly run: (context: Context) => Promise<void>
}

/** Makes the context of one run of one case. */
export function contextOf(given: Pick<Context, 'baseUrl' | 'driver' | 'foreignCursor' | 'loss'>): Context {
  const { baseUrl } = given
  return { ...given, run: randomUUID(), publish: (topic, events) => post(baseUrl, topic, events) }
}
