/** Makes the line of a publish of a record. */
import type { Json } from '@watchpost/protocol'

/** How a record becomes an event: as the `data` of an event of `type`, or by itself if there is none. */
export interface EventOptions {
  readonly type: string | undefined
  /** Tokens of JSON Pointers into the record. */
  readonly key: readonly string[] | undefined
  readonly timestamp: readonly string[] | undefined
}

/** One line of NDJSON, with its end, or what is wrong with the record. `json` must be JSON in one line. */
export function eventLine(json: string, options: EventOptions): { readonly line: string } | { readonly fault: string } {
  return options.type === undefined ? ownEvent(json) : dataEvent(json, options.type, options)
}

/** An event as `export` wrote it; the log that it goes to gives it an id of its own. */
function ownEvent(json: string): { readonly line: string } | { readonly fault: string } {
  const value = JSON.parse(json) as Json
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { fault: 'is no event {"type", "data"}; to make it the data of one, pass --type' }
  }
  if (!('type' in value)) return { fault: 'has no "type"; to make it the data of an event, pass --type' }
  const { id: _id, topic: _topic, ...event } = value as Readonly<Record<string, Json>>
  return { line: `${JSON.stringify(event)}\n` }
}

function dataEvent(
  json: string,
  type: string,
  { key, timestamp }: EventOptions,
): { readonly line: string } | { readonly fault: string } {
  let members = `"type":${JSON.stringify(type)}`
  const record = key === undefined && timestamp === undefined ? null : (JSON.parse(json) as Json)
  for (const [name, tokens] of [
    ['key', key],
    ['timestamp', timestamp],
  ] as const) {
    if (tokens === undefined) continue
    const value = valueAt(record, tokens)
    if (typeof value !== 'string' && typeof value !== 'number') {
      return { fault: `has no text or number at ${tokens.map((token) => `/${token}`).join('')}, where --${name} looks` }
    }
    members += `,"${name}":${JSON.stringify(String(value))}`
  }
  // The text itself goes in, so that numbers keep all their digits.
  return { line: `{${members},"data":${json}}\n` }
}

function valueAt(value: Json, tokens: readonly string[]): Json | undefined {
  let at: Json | undefined = value
  for (const token of tokens) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, token)) return undefined
    at = (at as Readonly<Record<string, Json>>)[token]
  }
  return at
}

/** The tokens of a JSON Pointer (RFC 6901), or `undefined` if it is none. */
export function pointerTokens(pointer: string): readonly string[] | undefined {
  if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(pointer)) return undefined
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}
