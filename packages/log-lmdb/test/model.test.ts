/** Compares the log with a model that keeps everything in arrays. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log, LoggedEvent, Retention, Scan, StateScan } from '@watchpost/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openLmdbLog } from '../src/index.ts'
import { append, event, offsets, openLog } from './support.ts'

interface ModelEvent {
  readonly offset: number
  readonly topic: string
  readonly key: string | undefined
  readonly json: string
  readonly bytes: number
  readonly appendedMs: number
}

class Model {
  head = 0
  trimmed = 0
  trims = 0
  readonly kept: ModelEvent[] = []
  readonly facts = new Map<string, { trimmed: number; trims: number; last: number }>()
  readonly state = new Map<string, Map<string, ModelEvent>>()

  append(topic: string, logged: readonly LoggedEvent[], keys: readonly (string | undefined)[], nowMs: number): void {
    for (const [i, { offset, json }] of logged.entries()) {
      const key = keys[i]
      const one = { offset, topic, key, json, bytes: Buffer.byteLength(json), appendedMs: nowMs }
      this.kept.push(one)
      this.head = offset
      if (key === undefined) continue
      const state = this.state.get(topic) ?? new Map<string, ModelEvent>()
      this.state.set(topic, state)
      if ((JSON.parse(json) as { data: unknown }).data === null) state.delete(key)
      else state.set(key, one)
    }
    this.facts.set(topic, { trimmed: 0, trims: 0, ...this.facts.get(topic), last: this.head })
  }

  of(topics: readonly string[] | undefined): ModelEvent[] {
    return this.kept.filter(({ topic }) => topics === undefined || topics.includes(topic))
  }

  trim(topic: string, retention: Retention, eventsMax: number, nowMs: number): boolean {
    const facts = this.facts.get(topic)
    const excess = (): ModelEvent | undefined => {
      const kept = this.of([topic])
      const bytes = kept.reduce((sum, one) => sum + one.bytes, 0)
      const [first] = kept
      const tooOld = first !== undefined && nowMs - first.appendedMs >= (retention.ageMs ?? Number.POSITIVE_INFINITY)
      const tooMany = kept.length > (retention.events ?? Number.POSITIVE_INFINITY)
      return tooOld || tooMany || bytes > (retention.bytes ?? Number.POSITIVE_INFINITY) ? first : undefined
    }
    for (let i = 0; i < eventsMax; i++) {
      const one = excess()
      if (one === undefined || facts === undefined) return false
      if (i === 0) facts.trims = ++this.trims
      this.kept.splice(this.kept.indexOf(one), 1)
      facts.trimmed = one.offset
      this.trimmed = Math.max(this.trimmed, one.offset)
    }
    return excess() !== undefined
  }
}

const TOPICS = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? `even/${i}` : `odd/${i}`))
const topic = fc.constantFrom(...TOPICS, ...TOPICS.slice(0, 2), ...TOPICS.slice(0, 2))
const key = fc.constantFrom('a', 'b', 'é', '\u{10000}', '\uffff', 'a"\\', '')
const data = fc.oneof(fc.constant(null), fc.string({ maxLength: 60 }), fc.integer())

type Operation =
  | { readonly do: 'append'; readonly publishes: { topic: string; events: { key: string; data: unknown }[] }[] }
  | { readonly do: 'trim'; readonly topic: string; readonly retention: Retention; readonly eventsMax: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'reopen' }

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      // Those of one operation come at once, and share a transaction.
      publishes: fc.array(
        fc.record({ topic, events: fc.array(fc.record({ key, data }), { minLength: 1, maxLength: 6 }) }),
        { minLength: 1, maxLength: 4 },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('trim' as const),
      topic,
      retention: fc.record(
        { events: fc.nat(5), ageMs: fc.nat(300), bytes: fc.nat(800) },
        { requiredKeys: [] },
      ) as fc.Arbitrary<Retention>,
      eventsMax: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
)

const somewhere = fc.double({ min: 0, max: 1, noNaN: true })
const question = fc.record({
  topics: fc.oneof(
    fc.constant(undefined),
    fc.array(fc.oneof(topic, fc.constant('unknown')), { maxLength: 20 }),
    // Many topics are read in another way than few.
    fc.subarray(TOPICS, { minLength: 17 }),
  ),
  from: somewhere,
  to: somewhere,
  eventsMax: fc.integer({ min: 1, max: 12 }),
  charactersMax: fc.integer({ min: 1, max: 3_000 }),
})
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never

function checkScan(log: Log, model: Model, asked: Question): void {
  const after = Math.floor(asked.from * model.head)
  const upTo = Math.floor(asked.to * model.head)
  const { topics, eventsMax, charactersMax } = asked
  const scan: Scan = { ...(topics && { topics }), after, upTo, eventsMax, charactersMax }
  const { events, through } = log.scan(scan)
  const inside = model.of(topics).filter(({ offset }) => offset > after && offset <= upTo)
  expect(events).toEqual(inside.filter(({ offset }) => offset <= through).map(({ offset, json }) => ({ offset, json })))
  checkBounds(events, scan)
  if (after < upTo) {
    expect(through).toBeGreaterThan(after)
    expect(through).toBeLessThanOrEqual(upTo)
  }
  // Where only events of the topics are looked at, a page ends for no other reason than its bounds.
  if (topics === undefined || topics.length <= 16) {
    const characters = inside.reduce((sum, { json }) => sum + json.length, 0)
    if (inside.length <= eventsMax && characters <= charactersMax && after < upTo) expect(through).toBe(upTo)
  }
}

function checkScanBack(log: Log, model: Model, asked: Question): void {
  const upTo = Math.floor(asked.to * model.head)
  const { topics, eventsMax, charactersMax } = asked
  const scan = { ...(topics && { topics }), upTo, eventsMax, charactersMax }
  const { events, through } = log.scanBack(scan)
  const inside = model.of(topics).filter(({ offset }) => offset <= upTo)
  const expected = inside.filter(({ offset }) => offset >= through).reverse()
  expect(events).toEqual(expected.map(({ offset, json }) => ({ offset, json })))
  checkBounds(events, scan)
  if (events.length > 0) expect(through).toBeLessThanOrEqual(events.at(-1)?.offset ?? 0)
}

function checkBounds(events: readonly LoggedEvent[], bounds: { eventsMax: number; charactersMax: number }): void {
  expect(events.length).toBeLessThanOrEqual(bounds.eventsMax)
  const characters = events.reduce((sum, { json }) => sum + json.length, 0)
  if (events.length > 1) expect(characters).toBeLessThanOrEqual(bounds.charactersMax)
}

function checkPaging(log: Log, model: Model, asked: Question): void {
  const { topics, eventsMax, charactersMax } = asked
  const bounds = { ...(topics && { topics }), eventsMax, charactersMax }
  const forward: number[] = []
  for (let after = 0; after < model.head; ) {
    const page = log.scan({ ...bounds, after, upTo: model.head })
    forward.push(...offsets(page.events))
    after = page.through
  }
  const backward: number[] = []
  for (let upTo = model.head; upTo > 0; ) {
    const page = log.scanBack({ ...bounds, upTo })
    backward.push(...offsets(page.events))
    upTo = page.through - 1
  }
  const all = offsets(model.of(topics))
  expect(forward).toEqual(all)
  expect(backward).toEqual(all.toReversed())
}

const compareUtf8 = ([a]: [string, ModelEvent], [b]: [string, ModelEvent]): number =>
  Buffer.compare(Buffer.from(a), Buffer.from(b))

function checkState(log: Log, model: Model, asked: Question, name: string): void {
  const rows = [...(model.state.get(name) ?? [])].sort(compareUtf8)
  const found: LoggedEvent[] = []
  let scan: StateScan = { topic: name, eventsMax: asked.eventsMax, charactersMax: asked.charactersMax }
  for (;;) {
    const page = log.state(scan)
    checkBounds(page.events, asked)
    found.push(...page.events)
    if (page.nextAfterKey === undefined) break
    scan = { ...scan, afterKey: page.nextAfterKey }
  }
  expect(found).toEqual(rows.map(([, { offset, json }]) => ({ offset, json })))
  const some = { topic: name, keys: ['b', 'a', 'none', 'b', '\u{10000}'], eventsMax: 10, charactersMax: 100_000 }
  expect(offsets(log.state(some).events)).toEqual(
    rows.filter(([one]) => some.keys.includes(one)).map(([, { offset }]) => offset),
  )
}

function checkFacts(log: Log, model: Model): void {
  const expected = [...model.facts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { trimmed, trims, last }]) => {
      const kept = model.of([name])
      return {
        topic: name,
        events: kept.length,
        bytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
        trimmed,
        trims,
        last,
      }
    })
  expect([...log.topics()]).toEqual(expected)
  expect([...log.topics('odd/')]).toEqual(expected.filter((facts) => facts.topic.startsWith('odd/')))
  for (const name of TOPICS) expect(log.topic(name)).toEqual(expected.find((facts) => facts.topic === name))
  expect(log.trimmed).toBe(model.trimmed)
  expect(log.trims).toBe(model.trims)
  expect(log.head).toBe(model.head)
}

type Publishes = (Operation & { do: 'append' })['publishes']

async function checkAppend(log: Log, model: Model, publishes: Publishes, nowMs: number): Promise<void> {
  const appends = publishes.map(({ topic: name, events }) =>
    append(name, ...events.map(({ data: value, key: k }) => event(value, k))),
  )
  const answers = await Promise.all(appends.map((one) => log.append(one)))
  for (const [i, { topic: name, events }] of appends.entries()) {
    const first = model.head + 1
    expect(answers[i]?.first).toBe(first)
    const upTo = model.head + events.length
    const logged = log.scan({ after: model.head, upTo, eventsMax: 100, charactersMax: 1_000_000 }).events
    expect(offsets(logged)).toEqual(events.map((_, n) => first + n))
    const keys = events.map((one) => one.key)
    model.append(name, logged, keys, nowMs)
  }
}

async function run(operations: readonly Operation[], questions: readonly Question[]): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'log-lmdb-'))
  let nowMs = 1_000
  const open = (): Promise<Log> => openLmdbLog({ dir, durability: 'os', now: () => nowMs })
  let log = await open()
  try {
    const model = new Model()
    await checkAppend(
      log,
      model,
      TOPICS.map((name) => ({ topic: name, events: [{ key: 'a', data: 0 }] })),
      nowMs,
    )
    for (const one of operations) {
      if (one.do === 'append') {
        await checkAppend(log, model, one.publishes, nowMs)
      } else if (one.do === 'trim') {
        const { more } = await log.trim(one.topic, one.retention, one.eventsMax)
        expect(more).toBe(model.trim(one.topic, one.retention, one.eventsMax, nowMs))
      } else if (one.do === 'wait') {
        nowMs += one.ms
      } else {
        await log.close()
        log = await open()
      }
    }
    checkFacts(log, model)
    for (const asked of questions) {
      checkScan(log, model, asked)
      checkScanBack(log, model, asked)
      checkPaging(log, model, asked)
      for (const name of TOPICS.slice(0, 3)) checkState(log, model, asked, name)
    }
  } finally {
    await log.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

describe('the log', () => {
  it('does what a model in memory does', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: 60, size: 'max' }),
        fc.array(question, { minLength: 1, maxLength: 12 }),
        run,
      ),
      { numRuns: 40 },
    )
  })

  it('reads nothing of no topics, and says that it looked everywhere', async () => {
    const log = await openLog()
    await log.append(append('t', event(1), event(2)))
    const scan = { topics: [], upTo: 2, eventsMax: 1, charactersMax: 1 }
    expect(log.scan({ ...scan, after: 0 })).toEqual({ events: [], through: 2 })
    expect(log.scanBack(scan)).toEqual({ events: [], through: 0 })
  })
})
