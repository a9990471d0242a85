/** Topics that lost events, made once for all cases that only watch them, since trimming takes its time [WP-6.4]. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { page } from './drivers/paging.ts'
import { post } from './publish.ts'
import { numbered, readThrough } from './reading.ts'
import { KEPT_EVENTS } from './topics.ts'

const TRIMMED_WITHIN_MS = 20_000

/** What was published to two topics, by id and in this order. Nothing of `free/{run}/a` was lost. */
export interface Loss {
  readonly run: string
  /** Of `free/{run}/a`. */
  readonly early: readonly string[]
  /** Of `short/{run}/a`, of which the last {@link KEPT_EVENTS} are kept. */
  readonly short: readonly string[]
  /** Of `free/{run}/a`. */
  readonly late: readonly string[]
}

/**
 * Publishes numbered events to a topic that keeps few of them, and waits until it has forgotten the others.
 * @returns the ids of all
 * @throws Error if they are still there after 20 s
 */
export async function publishAndLose(baseUrl: string, topic: string, count: number): Promise<string[]> {
  const ids = (await post(baseUrl, topic, numbered(count))).map(({ id }) => id)
  const deadline = Date.now() + TRIMMED_WITHIN_MS
  for (;;) {
    const watching = await page.watch(baseUrl, { topics: [topic], after: 'earliest' })
    const { events } = await readThrough(watching, ids.at(-1))
    if (events.length === KEPT_EVENTS) return ids
    if (Date.now() > deadline) throw new Error(`${topic} must be trimmed to ${KEPT_EVENTS} events [WP-6.4]`)
    await sleep(100)
  }
}

export async function lose(baseUrl: string): Promise<Loss> {
  const run = randomUUID()
  const free = async (): Promise<string[]> => (await post(baseUrl, `free/${run}/a`, numbered(4))).map(({ id }) => id)
  const early = await free()
  const short = await publishAndLose(baseUrl, `short/${run}/a`, 20)
  return { run, early, short, late: await free() }
}
