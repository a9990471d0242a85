/** What the subscribers of the simulations ask for, and what of all that was published that is, by the words of the protocol. */
import type { Json } from '@watchpost/protocol'
import { isObject } from './merge-patch-reference.ts'
import { KEYED, LATEST, OPEN } from './support.ts'

/** An event as its publisher knows it. */
export interface Published {
  readonly topic: string
  readonly type: string
  readonly key: string | undefined
  /** Unlike any other's, so that an event can't be taken for another one; but for `null`. */
  readonly data: Json
}

export interface Wish {
  readonly filters: readonly string[]
  readonly keys: readonly string[]
  readonly types: readonly string[]
  /** Names of members of the data. */
  readonly select: readonly string[]
  readonly delta: boolean
}

/** Everything published, by offset; the first is at 1. */
export type History = readonly (Published | undefined)[]

/** The topics of the simulations. */
export const TOPICS = {
  'a/{x}': OPEN,
  'a/{x}/x': OPEN,
  'b/{x}': OPEN,
  c: OPEN,
  'secret/{x}': { ...OPEN, watch: 'granted' },
  'k/{x}': KEYED,
  'latest/{x}': LATEST,
} as const

export const isLatest = (topic: string): boolean => topic.startsWith('latest/')
export const isKeyed = (topic: string): boolean => topic.startsWith('k/') || isLatest(topic)

/** The topics that the subscribers may not watch. */
const isHidden = (topic: string): boolean => topic.startsWith('secret/')

/** Whether a filter matches, by the words of [WP-3.3]: `*` is one segment, `**` any number of them. */
function matches(filter: readonly string[], topic: readonly string[]): boolean {
  const [first, ...rest] = filter
  if (first === undefined) return topic.length === 0
  if (first === '**') return matches(rest, topic) || (topic.length > 0 && matches(filter, topic.slice(1)))
  return topic.length > 0 && (first === '*' || first === topic[0]) && matches(rest, topic.slice(1))
}

export function covers({ filters }: Pick<Wish, 'filters'>, topic: string): boolean {
  return !isHidden(topic) && filters.some((filter) => matches(filter.split('/'), topic.split('/')))
}

export function wants(wish: Wish, event: Published): boolean {
  if (wish.types.length > 0 && !wish.types.includes(event.type)) return false
  if (wish.keys.length > 0 && (event.key === undefined || !wish.keys.includes(event.key))) return false
  return covers(wish, event.topic)
}

/** The data as the wish's selection shows it [WP-3.6]. */
export function shownData({ select }: Wish, data: Json): Json {
  if (select.length === 0) return data
  if (!isObject(data)) return null
  return Object.fromEntries(select.flatMap((name) => (Object.hasOwn(data, name) ? [[name, data[name] as Json]] : [])))
}

/** The offsets of all events of a topic's key at or below `head`, oldest first. */
export function offsetsOf(history: History, { topic, key }: Pick<Published, 'topic' | 'key'>, head: number): number[] {
  return [...history.entries()].flatMap(([offset, event]) =>
    offset <= head && event !== undefined && event.topic === topic && event.key === key ? [offset] : [],
  )
}
