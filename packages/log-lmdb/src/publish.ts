/**
 * Writes publishes inside one transaction. Other processes append to the same store, so everything that an append
 * depends on (head, topic numbers, what is kept of a topic, idempotency) is read in the transaction and nowhere else.
 */
import type { Append, Appended, PreparedEvent } from '@watchpost/core'
import { encodeEvent, formatCursor, ProblemError } from '@watchpost/protocol'
import { forgetExpired, recall, remember } from './idempotency.ts'
import type { PassingOptions } from './options.ts'
import { letGo, type Passing, pass } from './passing.ts'
import { asText, encodeRun, metaNumber, type Run, type Store, TOPIC_NUMBER_MAX, type TopicRow } from './store.ts'

/** Numbers of topics are never given again. Clients could use them up by transient topics, so these get only the first half. */
const TRANSIENT_NUMBER_MAX = 2 ** 31 - 1

/** What one publish of a group came to: its answer, or why it alone was refused. */
export type Outcome = { readonly appended: Appended } | { readonly refused: unknown }

/** What the publishes of one transaction share; written back once at its end. */
interface Group {
  readonly store: Store
  readonly nowMs: number
  /** The rows of topics that were looked at. */
  readonly topics: Map<string, TopicRow>
  /** How many topics were ever made. The newest has this number. */
  topicCount: number
  /** How many of them may be forgotten, and how many are. */
  transientCount: number
  readonly forgottenCount: number
  head: number
  run: Run | undefined
  /** What is not stored. */
  readonly passing: Passing[]
}

/** Writes a group of publishes, each whole or not at all, in the order given. Runs in a write transaction. */
export function publishGroup(
  store: Store,
  appends: readonly Append[],
  nowMs: number,
  bounds: PassingOptions,
): Outcome[] {
  const [head, topicCount] = [metaNumber(store, 'head'), metaNumber(store, 'topics')]
  const [transientCount, forgottenCount] = [metaNumber(store, 'transient'), metaNumber(store, 'forgotten')]
  const group: Group = {
    ...{ store, nowMs, topics: new Map(), head, run: undefined, passing: [] },
    ...{ topicCount, transientCount, forgottenCount },
  }
  const outcomes = appends.map((append) => publishOne(group, append))
  if (appends.some((append) => append.idempotency !== undefined)) forgetExpired(store, nowMs)
  if (group.passing.length > 0) {
    pass(store, group.passing, nowMs)
    letGo(store, bounds, nowMs)
  }
  if (group.head > head) {
    putRun(group)
    for (const [topic, row] of group.topics) store.topics.putSync(topic, row)
    store.meta.putSync('head', group.head)
    if (group.topicCount > topicCount) store.meta.putSync('topics', group.topicCount)
    if (group.transientCount > transientCount) store.meta.putSync('transient', group.transientCount)
  }
  return outcomes
}

function publishOne(group: Group, append: Append): Outcome {
  const { idempotency } = append
  if (idempotency !== undefined) {
    // Refusals come before the first write, so that nothing of a refused publish is in the transaction.
    try {
      const earlier = recall(group.store, idempotency, group.nowMs)
      if (earlier !== undefined) return { appended: earlier }
    } catch (refused) {
      return { refused }
    }
  }
  const refused = tooManyTopics(group, append)
  if (refused !== undefined) return { refused }
  const first = group.head + 1
  const ephemeral = writeEvents(group, append)
  const timestamps = append.events.map((event) => event.timestamp)
  const appended = { first, timestamps, replayed: false, ...(ephemeral.length > 0 && { ephemeral }) }
  if (idempotency !== undefined) remember(group.store, idempotency, appended, group.nowMs)
  return { appended }
}

/** Answers the places of those that are not stored. */
function writeEvents(group: Group, append: Append): readonly number[] {
  const ephemeral = append.events.flatMap((event, place) => (event.ephemeral === true ? [place] : []))
  if (ephemeral.length < append.events.length) writeStored(group, append, append.events.length - ephemeral.length)
  else for (const event of append.events) passBy(group, append.topic, event)
  return ephemeral
}

function passBy(group: Group, topic: string, { type, key, data, timestamp }: PreparedEvent): void {
  group.passing.push({ offset: group.head, json: encodeEvent({ type, topic, key, data, timestamp }) })
}

function writeStored(group: Group, append: Append, count: number): void {
  const { store } = group
  const { topic, keyed, events } = append
  const row = topicRow(group, append)
  const number = row[0]
  extendRun(group, number, count)
  for (const event of events) {
    if (event.ephemeral === true) {
      passBy(group, topic, event)
      continue
    }
    const offset = ++group.head
    const id = formatCursor(store.epoch, { offset, trims: 0 })
    const { type, key, data, timestamp } = event
    const bytes = Buffer.from(encodeEvent({ type, topic, id, key, data, timestamp }))
    store.events.putSync([number, offset], asText(bytes))
    row[2] += bytes.length
    if (!keyed || key === undefined) continue
    if (data === 'null') store.state.removeSync([number, key])
    else store.state.putSync([number, key], asText(bytes))
  }
  row[1] += count
  row[4] = group.head
}

/** Why a publish may not make the topic that it is for; `undefined` if it may, or if the topic is there. */
function tooManyTopics(group: Group, append: Append): ProblemError | undefined {
  const { topic, topicsMax, events, transient } = append
  if (events.every((event) => event.ephemeral === true)) return undefined
  const { topicCount, transientCount, forgottenCount } = group
  const count = transient === true ? transientCount : topicCount - transientCount - forgottenCount
  const isFull = topicsMax !== undefined && count >= topicsMax
  const isUsedUp = topicCount >= (transient === true ? TRANSIENT_NUMBER_MAX : TOPIC_NUMBER_MAX)
  if (!(isFull || isUsedUp) || knownRow(group, topic)) return undefined
  const detail = isFull
    ? `There are ${topicsMax} topics or more already, and ${JSON.stringify(topic)} would be a new one.`
    : `The log made as many topics as one log can, and ${JSON.stringify(topic)} would be a new one. Only a log that is new can take it.`
  return new ProblemError('reach-maximum-topics', detail)
}

function topicRow(group: Group, { topic, transient }: Append): TopicRow {
  const known = knownRow(group, topic)
  if (known !== undefined) return known
  const row: TopicRow = [++group.topicCount, 0, 0, 0, 0, 0]
  if (transient === true) {
    group.transientCount++
    // It may have been there before.
    row[3] = metaNumber(group.store, 'forgottenTrimmed')
    row[5] = metaNumber(group.store, 'forgottenTrims')
    row[6] = true
  }
  group.topics.set(topic, row)
  return row
}

/** The row of a topic that there is, also of one that this transaction made. */
function knownRow({ store, topics }: Group, topic: string): TopicRow | undefined {
  const known = topics.get(topic) ?? store.topics.get(topic)
  if (known !== undefined) topics.set(topic, known)
  return known
}

// Publishes to the same topic that come together share a run, so that many small ones cost little more than a large one.
function extendRun(group: Group, topic: number, count: number): void {
  if (group.run?.topic === topic) {
    group.run = { ...group.run, count: group.run.count + count }
    return
  }
  putRun(group)
  group.run = { first: group.head + 1, count, topic, appendedMs: group.nowMs }
}

function putRun({ store, run }: Group): void {
  if (run !== undefined) store.runs.putSync(run.first, encodeRun(run))
}
