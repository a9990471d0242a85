/** Masks: what of an event's data an identity may not see [WP-6.5]. Taken away before anything else looks at the event. */
import { dataOf, type Json, withData } from '@watchpost/protocol'
import type { AccessContext, Mask } from './access.ts'
import type { LoggedEvent } from './log.ts'
import { parsePointer } from './pointer.ts'

/** The pointers of a mask, parsed, for one identity and topic. */
export type Masked = readonly (readonly string[])[]

/** @throws RangeError for what is no JSON Pointer, or whatever a rule of the server's own throws */
export function maskedOf(mask: Mask | undefined, context: AccessContext): Masked {
  const pointers: unknown = typeof mask === 'function' ? mask(context) : (mask ?? [])
  // As in allows(): a promise is no answer, and must not end the process when it is rejected.
  if (pointers instanceof Promise) pointers.catch(() => undefined)
  if (!Array.isArray(pointers)) throw new TypeError('a mask must be a list of JSON Pointers')
  return (pointers as readonly string[]).map(demandPointer)
}

/** @throws RangeError */
export function demandPointer(pointer: string): readonly string[] {
  const tokens = parsePointer(pointer)
  if (tokens !== undefined) return tokens
  throw new RangeError(`${JSON.stringify(pointer)} is no JSON Pointer, such as "/ip"`)
}

/** The event without what is masked; the same object when nothing is. */
export function withoutMasked(event: LoggedEvent, masked: Masked): LoggedEvent {
  if (masked.length === 0) return event
  const data = maskedData(JSON.parse(dataOf(event.json)) as Json, masked)
  return { ...event, json: withData(event.json, JSON.stringify(data)) }
}

/** Data without what is masked. */
export const maskedData = (data: Json, masked: Masked): Json => masked.reduce(without, data)

/** The value without what the tokens lead to; of an array the element becomes `null`, so that the others keep their places. */
function without(value: Json, tokens: readonly string[]): Json {
  const [token, ...rest] = tokens
  if (token === undefined) return null
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((element, i) => (String(i) === token ? without(element, rest) : element))
  }
  const kept = Object.entries(value).flatMap(([name, member]): [string, Json][] => {
    if (name !== token) return [[name, member]]
    return rest.length === 0 ? [] : [[name, without(member, rest)]]
  })
  return Object.fromEntries(kept)
}
