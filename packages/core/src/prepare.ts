/** Checks one event of a publish and brings it to the form in which the log takes it. */
import {
  type EventFault,
  encodeEvent,
  type Json,
  type Limits,
  normalizeTimestamp,
  ProblemError,
  RESERVED_TYPES,
} from '@watchpost/protocol'
import type { PreparedEvent } from './log.ts'
import { pointerTo } from './pointer.ts'
import type { Resolved } from './registry.ts'
import { utf8Bytes } from './utf8.ts'

const MEMBERS: ReadonlySet<string> = new Set(['type', 'data', 'key', 'timestamp'])

/** Collects what is wrong with the events of a publish. */
export class Faults {
  readonly list: EventFault[] = []
  /** The index of the event that is being looked at. */
  event = 0

  /** `path` is a JSON Pointer into the event. */
  add(path: string, message: string): void {
    this.list.push({ event: this.event, path, message })
  }
}

/**
 * Prepares an event, or adds what is wrong with it to `faults` and answers `undefined`. `now` is a timestamp in wire form.
 * @throws ProblemError `message-too-large`
 */
export function prepareEvent(
  resolved: Resolved,
  value: unknown,
  now: string,
  limits: Limits,
  faults: Faults,
): PreparedEvent | undefined {
  const before = faults.list.length
  if (!isObject(value)) {
    faults.add('', 'must be an object with "type" and "data"')
    return undefined
  }
  checkMembers(value, faults)
  const type = checkedType(resolved, value['type'], faults)
  const timestamp = checkedTimestamp(value['timestamp'], now, faults)
  if (type === undefined) return undefined
  const data = value['data'] ?? null
  const text = checkedData(resolved, type, data, limits, faults)
  // A key is made from data, so what is wrong with the data comes first and is enough.
  if (faults.list.length > before) return undefined
  const key = checkedKey(resolved, type, data, value['key'], limits.keyBytesMax, faults)
  if (faults.list.length > before) return undefined
  const ephemeral = resolved.topic.schemas.get(type)?.ephemeral === true
  const event = { type, data: text, timestamp, ...(ephemeral && { ephemeral }) }
  const prepared = key === undefined ? event : { ...event, key }
  checkSize(resolved.name, prepared, limits.eventBytesMax)
  return prepared
}

const isObject = (value: unknown): value is Readonly<Record<string, Json | undefined>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function checkMembers(value: object, faults: Faults): void {
  for (const name of Object.keys(value)) {
    if (MEMBERS.has(name)) continue
    faults.add(pointerTo(name), 'is not a member of an event: type, data, key, timestamp')
    return
  }
}

function checkedType(resolved: Resolved, type: Json | undefined, faults: Faults): string | undefined {
  const { schemas } = resolved.topic
  if (typeof type === 'string' && schemas.has(type)) return type
  if (typeof type === 'string' && RESERVED_TYPES.has(type))
    faults.add('/type', `"${type}" is reserved for control messages`)
  else faults.add('/type', `must be one of ${[...schemas.keys()].map((name) => `"${name}"`).join(', ')}`)
  return undefined
}

function checkedTimestamp(given: Json | undefined, now: string, faults: Faults): string {
  if (given === undefined) return now
  const timestamp = typeof given === 'string' ? normalizeTimestamp(given) : undefined
  if (timestamp === undefined) faults.add('/timestamp', 'must be an RFC 3339 time, such as "2026-11-22T12:34:56.789Z"')
  return timestamp ?? now
}

/** The data as JSON text, after checking it. */
function checkedData(resolved: Resolved, type: string, data: Json, limits: Limits, faults: Faults): string {
  const { eventDepthMax: depthMax, eventBytesMax: bytesMax } = limits
  const schema = resolved.topic.schemas.get(type)
  // In a keyed topic, null removes a key, whatever the schema says [WP-9.1]. What is not stored removes nothing.
  if (data === null && resolved.topic.keyOf !== undefined && schema?.ephemeral !== true) return 'null'
  // First, since all that follows recurses: here, and in everyone who reads the event later.
  if (isDeeper(data, depthMax)) {
    faults.add('/data', `must not nest deeper than ${depthMax} levels`)
    return 'null'
  }
  const text = JSON.stringify(data)
  // Before the schema, whose cost grows with the data and with the faults in it.
  if (text.length > bytesMax) throw tooLarge(bytesMax, utf8Bytes(text))
  for (const { path, message } of schema?.faults(data) ?? []) {
    faults.add(`/data${path}`, message)
  }
  return text
}

function isDeeper(value: Json, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (depthMax === 0) return true
  for (const member of Object.values(value)) if (isDeeper(member, depthMax - 1)) return true
  return false
}

/** The key that counts: what the topic's definition makes of the data where it has one, else the publisher's [WP-9.1]. */
function checkedKey(
  resolved: Resolved,
  type: string,
  data: Json,
  given: Json | undefined,
  bytesMax: number,
  faults: Faults,
): string | undefined {
  const { keyOf } = resolved.topic
  if (given !== undefined && (typeof given !== 'string' || given === '')) {
    faults.add('/key', 'must be a string that is not empty')
    return undefined
  }
  if (keyOf !== undefined && data === null && given === undefined) {
    faults.add('/key', 'must be given when data is null, which removes the key from the state')
    return undefined
  }
  const key = keyOf === undefined || data === null ? given : keyOf(type, data)
  if (keyOf !== undefined && (key === undefined || key === '')) faults.add('/data', "does not give the topic's key")
  if (key === undefined) return undefined
  if (given !== undefined && key !== given) faults.add('/key', `must be ${JSON.stringify(key)}, which the data gives`)
  if (utf8Bytes(key) > bytesMax) faults.add('/key', `must be at most ${bytesMax} bytes`)
  // A lone surrogate has no UTF-8, so that key would be another one when it is read back.
  if (!key.isWellFormed()) faults.add('/key', 'must be well-formed Unicode')
  return key
}

function checkSize(topic: string, event: PreparedEvent, bytesMax: number): void {
  const { type, key = '', data } = event
  // Far below the bound, as nearly all events are, even if each character were three bytes, or six where a key is escaped.
  if ((type.length + topic.length + key.length * 2 + data.length + 200) * 3 <= bytesMax) return
  // The id is not known yet; it counts as nothing, so that whether an event is too large never depends on the day.
  const bytes = utf8Bytes(encodeEvent({ ...event, topic, id: '' }))
  if (bytes <= bytesMax) return
  throw tooLarge(bytesMax, bytes)
}

const tooLarge = (bytesMax: number, bytes: number): ProblemError =>
  new ProblemError('message-too-large', `An event may have ${bytesMax} bytes, not ${bytes}.`)
