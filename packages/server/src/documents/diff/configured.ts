/**
 * What changed of what only a configuration says, and whom it breaks. It is compared where both documents have it: those
 * that a server sends do not.
 */
import { parsePointer } from '@watchpost/core'
import { type AccessTold, CONFIGURED, type ConfiguredTopic, FUNCTION, type SentLimit } from '../configured.ts'
import type { Change, TopicContract } from './contract.ts'
import { isDescribed } from './described.ts'
import type { Side } from './faults.ts'
import { losesWays } from './operations.ts'
import { isObject } from './pointed.ts'

type Node = Readonly<Record<string, unknown>>

const nodeOf = (value: unknown): Node => (isObject(value) ? value : {})

/** What a document says of the topics of each template, as far as it does. */
export function configuredTopics(document: Node): ReadonlyMap<string, ConfiguredTopic> {
  const { topics } = nodeOf(document[CONFIGURED])
  return new Map(
    Object.entries(nodeOf(topics)).filter((entry): entry is [string, ConfiguredTopic] => isTopic(entry[1])),
  )
}

function isTopic(value: unknown): value is ConfiguredTopic {
  const { watch, publish, onSlow, key = '', mask = [] } = nodeOf(value)
  const isAccess = (rule: unknown): boolean =>
    typeof rule === 'string' ? Object.hasOwn(WHO, rule) : isText(nodeOf(rule)['scope'])
  return isAccess(watch) && isAccess(publish) && [onSlow, key].every(isText) && (mask === FUNCTION || isTexts(mask))
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)

/** The limits that a document has, as far as it does. */
export function configuredLimits(document: Node): ReadonlyMap<string, number> {
  const { limits } = nodeOf(document[CONFIGURED])
  return new Map(
    Object.entries(nodeOf(limits)).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  )
}

/** Whoever sends what is bounded. */
const SENDERS: Readonly<Record<SentLimit, readonly Side[]>> = {
  eventBytesMax: ['publishers'],
  eventDepthMax: ['publishers'],
  publishBytesMax: ['publishers'],
  messageBytesMax: ['watchers', 'publishers'],
  headerBytesMax: ['watchers', 'publishers'],
  presenceInfoBytesMax: ['watchers'],
}

/** Limits that are lower than they were. */
export function limitChanges(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): readonly Change[] {
  return Object.entries(SENDERS).flatMap(([name, sides]) => {
    const [old = 0, now = Infinity] = [before.get(name), after.get(name)]
    const text = `The limit \`${name}\` is ${now} now, and was ${old}.`
    return now < old ? sides.map((side): Change => ({ breaks: side, text })) : []
  })
}

const WHO: Readonly<Record<Extract<AccessTold, string>, string>> = {
  anyone: 'anyone',
  authenticated: 'whoever has credentials',
  granted: 'those to whom it is granted',
  function: 'those whom a function of the configuration lets',
}

const whoOf = (rule: AccessTold): string =>
  typeof rule === 'string' ? WHO[rule] : `those with the scope ${JSON.stringify(rule.scope)}`

/** Whether who is let by the one rule is let by the other too. Of a function nothing is known but that it is one. */
function lets(own: AccessTold, other: AccessTold): boolean {
  if (other === 'anyone') return true
  // Only credentials carry grants and scopes.
  if (other === 'authenticated') return own !== 'anyone' && own !== FUNCTION
  if (typeof own === 'object' && typeof other === 'object') return own.scope === other.scope
  return own === other
}

/** The rest of a sentence that begins with the topic, if a rule of access is narrower now, or may be. */
export function accessChange(side: Side, before: TopicContract, after: TopicContract): string | undefined {
  const [old, now] = [before.configured, after.configured].map((each) =>
    side === 'watchers' ? each?.watch : each?.publish,
  )
  if (old === undefined || now === undefined || lets(old, now)) return undefined
  // Which credentials are needed, the documents of callers tell as well.
  if (now !== 'granted' && now !== FUNCTION && losesWays(side, before.operations, after.operations)) return undefined
  const done = side === 'watchers' ? 'watched' : 'published to'
  const isUnsure = old === FUNCTION || now === FUNCTION
  const unsure = isUnsure ? ', which may be others: what a function answers is in no document' : ''
  return ` can be ${done} only by ${whoOf(now)} now, and could be by ${whoOf(old)}${unsure}.`
}

/** Masks, keys, and what becomes of slow watchers. @param topic its name, as a sentence begins with it */
export function configuredChanges(topic: string, before: TopicContract, after: TopicContract): readonly Change[] {
  const [old, now] = [before.configured, after.configured]
  if (old === undefined || now === undefined) return []
  return [
    ...maskChanges(topic, old, now, before),
    ...keyChanges(topic, old, now, before.published !== undefined),
    ...slowChanges(topic, old, now),
  ]
}

function maskChanges(
  topic: string,
  { mask: old = [] }: ConfiguredTopic,
  { mask: now = [] }: ConfiguredTopic,
  { watched }: TopicContract,
): readonly Change[] {
  if (now === FUNCTION) {
    const text = `${topic}: a function decides now what is masked, so watchers may be sent less, which can't be told.`
    return old === FUNCTION ? [] : [{ breaks: 'watchers', text }]
  }
  if (old === FUNCTION && now.length === 0) return [{ text: `${topic}: nothing is masked any more.` }]
  const outside = (some: readonly string[], others: readonly string[]): readonly string[] =>
    some.filter((one) => !others.some((other) => `${one}/`.startsWith(`${other}/`)))
  const added = outside(now, old === FUNCTION ? [] : old).map((pointer): Change => {
    const isRelied = [...(watched?.values() ?? [])].some((data) => isDescribed(data, parsePointer(pointer) ?? []))
    if (watched !== undefined && !isRelied) return { text: `${topic}: /data${pointer} is masked, and is new.` }
    const was = old === FUNCTION ? ', which a function decided before' : ''
    return { breaks: 'watchers', text: `${topic}: /data${pointer} is masked now, so no watcher is sent it${was}.` }
  })
  const removed = old === FUNCTION ? [] : outside(old, now)
  return [...added, ...removed.map((pointer) => ({ text: `${topic}: /data${pointer} is no longer masked.` }))]
}

const placeOf = (key: string): string => (key === FUNCTION ? 'by a function' : `of /data${key}`)

/** A topic that becomes keyed, or is it no longer, is told of by itself. */
function keyChanges(
  topic: string,
  { key: old }: ConfiguredTopic,
  { key: now }: ConfiguredTopic,
  isPublished: boolean,
): readonly Change[] {
  if (old === undefined || now === undefined || old === now) return []
  const text = `${topic}: keys are made ${placeOf(now)} now, and were ${placeOf(old)}.`
  return [{ breaks: 'watchers', text }, ...(isPublished ? [{ breaks: 'publishers', text } as const] : [])]
}

function slowChanges(
  topic: string,
  { onSlow: old }: ConfiguredTopic,
  { onSlow: now }: ConfiguredTopic,
): readonly Change[] {
  if (old === now) return []
  if (now === 'all') return [{ text: `${topic}: watchers that are too slow are sent all events now.` }]
  const text = `${topic}: watchers that are too slow are sent only the newest event of each key now, and were sent all.`
  return [{ breaks: 'watchers', text }]
}
