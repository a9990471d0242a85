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

/** What {@link encodeEvent} needs; `data` is JSON text. */
export interface EventParts {
  readonly type: string
  readonly topic: string
  readonly id: string
  readonly key?: string | undefined
  readonly data: string
  readonly timestamp: string
}

const TYPE_START = '{"type":"'.length
const TOPIC_GAP = '","topic":"'.length
const ID_GAP = '","id":"'.length

export function encodeEvent(parts: EventParts): string {
  const key = parts.key === undefined ? '' : `,"key":${JSON.stringify(parts.key)}`
  return `{"type":"${parts.type}","topic":"${parts.topic}","id":"${parts.id}"${key},"data":${parts.data},"timestamp":"${parts.timestamp}"}`
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
  const topicStart = json.indexOf('"', TYPE_START) + TOPIC_GAP
  const idStart = json.indexOf('"', topicStart) + ID_GAP
  const afterId = json.indexOf('"', idStart) + 1
  if (!json.startsWith(',"key":"', afterId)) return undefined
  const start = afterId + ',"key":'.length
  let end = json.indexOf('"', start + 1)
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1)
  return JSON.parse(json.slice(start, end + 1)) as string
}

function isEscaped(json: string, quoteAt: number): boolean {
  let backslashes = 0
  while (json[quoteAt - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

const TYPE = /^[A-Za-z0-9][A-Za-z0-9._:/-]*$/

/** Whether a text may be an event type: letters, digits and `. _ : / -`, beginning with a letter or digit [WP-1.2]. */
export const isTypeName = (type: string): boolean => TYPE.test(type)
