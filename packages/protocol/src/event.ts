/**
 * Events as JSON text [WP-1.1]. An event is encoded once, when it is appended, and that text is what the log stores and
 * every transport sends. Its members stand in a fixed order and its type, topic and id need no escapes, so a reader
 * finds them without parsing the rest.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** An event as watchers see it. `id` is the cursor just after it; `timestamp` is RFC 3339, UTC, milliseconds. */
export interface Event<Type extends string = string, Data = Json> {
  readonly type: Type
  readonly topic: string
  readonly id: string
  readonly key?: string
  readonly data: Data
  readonly timestamp: string
}

/** An event that is not stored, as watchers see it [WP-9.3]. */
export type EphemeralEvent<Type extends string = string, Data = Json> = Omit<Event<Type, Data>, 'id'> & {
  readonly id?: never
}

/** What {@link encodeEvent} needs; `data` is JSON text. Without `id` it is an event that is not stored. */
export interface EventParts {
  readonly type: string
  readonly topic: string
  readonly id?: string | undefined
  readonly key?: string | undefined
  readonly data: string
  readonly timestamp: string
}

const TYPE_START = '{"type":"'.length
const TOPIC_GAP = '","topic":"'.length
const ID = '","id":"'

export function encodeEvent(parts: EventParts): string {
  const id = parts.id === undefined ? '' : `,"id":"${parts.id}"`
  const key = parts.key === undefined ? '' : `,"key":${JSON.stringify(parts.key)}`
  return `{"type":"${parts.type}","topic":"${parts.topic}"${id}${key},"data":${parts.data},"timestamp":"${parts.timestamp}"}`
}

/** The type of an encoded event. */
export function typeOf(json: string): string {
  return json.slice(TYPE_START, json.indexOf('"', TYPE_START))
}

/** The topic of an encoded event. */
export function topicOf(json: string): string {
  const start = json.indexOf('"', TYPE_START) + TOPIC_GAP
  return json.slice(start, json.indexOf('"', start))
}

/** The key of an encoded event, if it has one. */
export function keyOf(json: string): string | undefined {
  const afterId = idEnd(json)
  if (!json.startsWith(',"key":"', afterId)) return undefined
  return JSON.parse(json.slice(afterId + ',"key":'.length, keyEnd(json, afterId))) as string
}

/** The data of an encoded event, as JSON text. */
export const dataOf = (json: string): string => json.slice(dataStart(json), json.length - TAIL)

/** The encoded event with other data, JSON text. */
export const withData = (json: string, data: string): string =>
  `${json.slice(0, dataStart(json))}${data}${json.slice(json.length - TAIL)}`

/** The encoded event with `patch`, JSON text, in the place of its data [WP-4.7]. */
export function withPatch(json: string, patch: string): string {
  const start = dataStart(json)
  return `${json.slice(0, start - '"data":'.length)}"patch":${patch}${json.slice(json.length - TAIL)}`
}

/** Where the id of an encoded event ends, behind its quote; if it has none, its topic. */
function idEnd(json: string): number {
  const topicEnd = json.indexOf('"', json.indexOf('"', TYPE_START) + TOPIC_GAP)
  return json.startsWith(ID, topicEnd) ? json.indexOf('"', topicEnd + ID.length) + 1 : topicEnd + 1
}

function dataStart(json: string): number {
  const afterId = idEnd(json)
  return (json.startsWith(',"key":"', afterId) ? keyEnd(json, afterId) : afterId) + ',"data":'.length
}

/** What follows on the data, which has always the same length [WP-1.5]. */
const TAIL = ',"timestamp":"2026-11-22T12:34:56.789Z"}'.length

/** Where the key of an encoded event ends, behind its quote; `afterId` is where its member begins. */
function keyEnd(json: string, afterId: number): number {
  const start = afterId + ',"key":'.length
  let end = json.indexOf('"', start + 1)
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1)
  return end + 1
}

function isEscaped(json: string, quoteAt: number): boolean {
  let backslashes = 0
  while (json[quoteAt - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

const TYPE = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/

/** Whether a text may be an event type: letters, digits and `. _ : / -`, beginning with a letter or digit [WP-1.2]. */
export const isTypeName = (type: string): boolean => TYPE.test(type)
