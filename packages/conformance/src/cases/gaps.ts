/** What can no longer be delivered is announced, once, and what is left is all delivered. */
import { deepStrictEqual, match, strictEqual } from 'node:assert/strict'
import type { Case, Context } from '../case.ts'
import type { WatchRequest } from '../driver.ts'
import { drivers } from '../drivers/index.ts'
import { publishAndLose } from '../loss.ts'
import { dataOf, idsOf, numbered, type Read, readThrough, watchThrough } from '../reading.ts'
import { KEPT_EVENTS } from '../topics.ts'

const CURSOR = /^[A-Za-z0-9._-]{1,64}$/

/**
 * Asserts that a read met one gap, before any event, and that it says what it must.
 * @returns where it goes on
 */
function onlyGap({ gaps, deliveries }: Read, reason: string, after: string | undefined): string {
  const [gap, ...others] = gaps
  deepStrictEqual(others, [])
  match(gap?.cursor ?? '', CURSOR)
  strictEqual(deliveries.find(({ kind }) => kind !== 'bookmark')?.kind, 'gap')
  if (gap?.reason !== undefined) deepStrictEqual([gap.reason, gap.after], [reason, after])
  return gap?.cursor ?? ''
}

/** Asserts that on every transport a watch from this cursor gets these events, and is told of no gap. */
async function goesOnEverywhere(
  context: Context,
  request: WatchRequest,
  expected: readonly (string | undefined)[],
): Promise<void> {
  for (const driver of drivers) {
    const read = await watchThrough({ ...context, driver }, request, expected.at(-1))
    deepStrictEqual(idsOf(read), expected, driver.name)
    deepStrictEqual(read.gaps, [], driver.name)
  }
}

export const gapCases: readonly Case[] = [
  {
    name: 'a cursor before what is kept meets one gap, and its earliest knows of it on every transport [WP-2.4]',
    async run(context) {
      const { run, short } = context.loss
      const kept = short.slice(-KEPT_EVENTS)
      const request = { topics: [`short/${run}/a`], pageEvents: 2 }
      // The last one before what is kept is the first that lost nothing.
      for (const after of [short[3], short.at(-KEPT_EVENTS - 2)]) {
        const read = await watchThrough(context, { ...request, after }, kept.at(-1))
        const earliest = onlyGap(read, 'trimmed', after)
        deepStrictEqual(idsOf(read), kept)
        await goesOnEverywhere(context, { ...request, after: earliest }, kept)
      }
      const last = { ...request, after: short.at(-KEPT_EVENTS - 1) }
      const read = await watchThrough(context, last, kept.at(-1))
      deepStrictEqual([idsOf(read), read.gaps], [kept, []])
    },
  },
  {
    name: 'who was cut off before a gap is told of it again [WP-2.4] [WP-3.8] [WP-4.4]',
    async run(context) {
      const { baseUrl, driver, loss } = context
      const request = { topics: [`short/${loss.run}/a`] }
      const cut = await driver.watch(baseUrl, { ...request, after: loss.short[1] })
      cut.cut()
      strictEqual(cut.cursor, loss.short[1])
      const read = await watchThrough(context, { ...request, after: cut.cursor }, loss.short.at(-1))
      onlyGap(read, 'trimmed', loss.short[1])
    },
  },
  {
    name: 'a loss after the one that a cursor knows of is announced too, and nothing twice [WP-2.4]',
    async run(context) {
      const { baseUrl, driver, publish, run } = context
      const topic = `short/${run}/a`
      const [first] = await publish(topic, numbered(1))
      const ids = await publishAndLose(baseUrl, topic, 12)
      const watching = await driver.watch(baseUrl, { topics: [topic], after: first?.id })
      const read = await readThrough(watching, ids.at(-1))
      const earliest = onlyGap(read, 'trimmed', first?.id)
      const [fresh] = await publish(topic, numbered(1, 12))
      deepStrictEqual(dataOf(await readThrough(watching, fresh?.id)), [12])
      await watching.leave()
      const later = await publishAndLose(baseUrl, topic, 7)
      const again = await watchThrough(context, { topics: [topic], after: earliest }, later.at(-1))
      const next = onlyGap(again, 'trimmed', earliest)
      deepStrictEqual(idsOf(again), later.slice(-KEPT_EVENTS))
      await goesOnEverywhere(context, { topics: [topic], after: next }, later.slice(-KEPT_EVENTS))
    },
  },
  {
    name: 'what one topic lost skips and repeats nothing of another one with a longer memory [WP-2.4] [WP-6.4]',
    async run(context) {
      const { run, early, short, late } = context.loss
      const expected = [...early.slice(1), ...short.slice(-KEPT_EVENTS), ...late]
      const request = { topics: [`*/${run}/a`], after: early[0], pageEvents: 2 }
      const read = await watchThrough(context, request, expected.at(-1))
      strictEqual(read.gaps.length, 1)
      deepStrictEqual(idsOf(read), expected)
      const at = read.deliveries.findIndex(({ kind }) => kind === 'gap')
      const behind = read.deliveries.slice(at + 1).flatMap((each) => (each.kind === 'event' ? [each.event.id] : []))
      await goesOnEverywhere(context, { ...request, after: read.gaps[0]?.cursor }, behind)
      // Who watches only what lost nothing is told of nothing.
      const own = await watchThrough(context, { ...request, topics: [`free/${run}/a`] }, late.at(-1))
      deepStrictEqual([idsOf(own), own.gaps], [[...early.slice(1), ...late], []])
    },
  },
  {
    name: 'a cursor of another log meets one gap, and earliest goes on with all that is kept [WP-2.3] [WP-2.4]',
    async run(context) {
      const { publish, run, foreignCursor } = context
      const topics = [`free/${run}/a`]
      const ids = (await publish(`free/${run}/a`, numbered(6))).map(({ id }) => id)
      const read = await watchThrough(context, { topics, after: foreignCursor, pageEvents: 4 }, ids.at(-1))
      const earliest = onlyGap(read, 'epoch', foreignCursor)
      deepStrictEqual(idsOf(read), ids)
      await goesOnEverywhere(context, { topics, after: earliest }, ids)
    },
  },
  {
    name: 'earliest, latest and last meet no gap [WP-2.2] [WP-3.4]',
    async run(context) {
      const { baseUrl, driver, publish, loss, run } = context
      const kept = loss.short.slice(-KEPT_EVENTS)
      for (const start of [{ after: 'earliest' }, { last: 100 }]) {
        const read = await watchThrough(context, { topics: [`short/${loss.run}/a`], ...start }, kept.at(-1))
        deepStrictEqual([idsOf(read), read.gaps], [kept, []])
      }
      const watching = await driver.watch(baseUrl, { topics: [`*/${loss.run}/a`, `free/${run}/a`], after: 'latest' })
      const [fresh] = await publish(`free/${run}/a`, numbered(1, 50))
      const read = await readThrough(watching, fresh?.id)
      await watching.leave()
      deepStrictEqual([dataOf(read), read.gaps], [[50], []])
    },
  },
]
