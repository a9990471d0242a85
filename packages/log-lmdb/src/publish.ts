/**
 * Writes publishes inside one transaction. Other processes append to the same store, so everything that an append
 * depends on (head, topic numbers, what is kept of a topic, idempotency) is read in the transaction and nowhere else.
 */
import type { Append, Appended } from '@watchpost/core'
import { encodeEvent, formatCursor, ProblemError } from '@watchpost/protocol'
import { forgetExpired, recall, remember } from './idempotency.ts'
import { asText, encodeRun, metaNumber, type Run, type Store, type TopicRow } from './store.ts'

/** What one publish of a group came to: its answer, or why it alone was refused. */
export type Outcome = { readonly appended: Appended } | { readonly refused: unknown }

/** What the publishes of one transaction share; written back once at its end. */
interface Group {
  readonly store: Store
  readonly nowMs: number
  /** The rows of topics that were looked at. */
  readonly topics: Map<string, TopicRow>
  /** How many topics there are; rows are never removed. The newest has this number. */
  topicCount: number
  head: number
  run: Run | undefined
}

/** Writes a group of publishes, each whole or not at all, in the order given. Runs in a write transaction. */
export function publishGroup(store: Store, appends: readonly Append[], nowMs: number): Outcome[] {
  const [head, topicCount] = [metaNumber(store, 'head'), metaNumber(store, 'topics')]
  const group: Group = { store, nowMs, topics: new Map(), topicCount, head, run: undefined }
  const outcomes = appends.map((append) => publishOne(group, append))
  if (appends.some((append) => append.idempotency !== undefined)) forgetExpired(store, nowMs)
  if (group.head > head) {
    putRun(group)
    for (const [topic, row] of group.topics) store.topics.putSync(topic, row)
    store.meta.putSync('head', group.head)
    if (group.topicCount > topicCount) store.meta.putSync('topics', group.topicCount)
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
  writeEvents(group, append)
  const appended = { first, timestamps: append.events.map((event) => event.timestamp), replayed: false }
  if (idempotency !== undefined) remember(group.store, idempotency, appended, group.nowMs)
  return { appended }
}

function writeEvents(group: Group, append: Append): void {
  const { store } = group
  const { topic, keyed, events } = append
  const row = topicRow(group, topic)
  const number = row[0]
  extendRun(group, number, events.length)
  for (const event of events) {
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
  row[1] += events.length
  row[4] = group.head
}

/** Why a publish may not make the topic that it is for; `undefined` if it may, or if the topic is there. */
function tooManyTopics(group: Group, { topic, topicsMax }: Append): ProblemError | undefined {
  if (topicsMax === undefined || group.topicCount < topicsMax || knownRow(group, topic)) return undefined
  const detail = `There are ${topicsMax} topics or more already, and ${JSON.stringify(topic)} would be a new one.`
  return new ProblemError('reach-maximum-topics', detail)
}

function topicRow(group: Group, topic: string): TopicRow {
  const known = knownRow(group, topic)
  if (known !== undefined) return known
  const row: TopicRow = [++group.topicCount, 0, 0, 0, 0, 0]
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
