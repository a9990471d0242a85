/** Reads the parameters of a watch from the query and the headers [WP-3.6]. */
import type { ViewOptions } from '@watchpost/core'
import { type Limits, ProblemError } from '@watchpost/protocol'
import type { Exchange } from './exchange.ts'

const invalid = (detail: string): ProblemError => new ProblemError('invalid-parameter', detail)

/** A parameter that may be given once. */
export function singleOf(exchange: Exchange, name: string): string | undefined {
  const values = exchange.url.searchParams.getAll(name)
  if (values.length > 1) throw invalid(`Parameter ${name}: give it once.`)
  return values[0]
}

/** A parameter that may be repeated. */
export function several(exchange: Exchange, name: string, limits: Limits): readonly string[] {
  const values = exchange.url.searchParams.getAll(name)
  if (values.length > limits.filtersMax) throw invalid(`Parameter ${name}: at most ${limits.filtersMax} of them.`)
  return values
}

/** A whole number within bounds, both included; what is out of them is refused, never quietly moved. */
function whole(name: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value
  throw invalid(`Parameter ${name}: must be a whole number from ${min} to ${max}, not ${JSON.stringify(text)}.`)
}

export function limitOf(exchange: Exchange, limits: Limits): number {
  const text = singleOf(exchange, 'limit')
  return text === undefined ? Math.min(100, limits.pageEventsMax) : whole('limit', text, 1, limits.pageEventsMax)
}

/** A parameter that is `true` or `false`; absent, it is `otherwise`. */
export function flagOf(exchange: Exchange, name: string, otherwise: 'true' | 'false' = 'false'): boolean {
  const text = singleOf(exchange, name) ?? otherwise
  if (text === 'true' || text === 'false') return text === 'true'
  throw invalid(`Parameter ${name}: must be true or false, not ${JSON.stringify(text)}.`)
}

/**
 * Refuses what is malformed of the parameters that other transports look at: the same query is good or bad on each
 * [WP-3.6] [WP-4.1].
 * @throws ProblemError `invalid-parameter`
 */
export function demandOthers(exchange: Exchange, limits: Limits): void {
  limitOf(exchange, limits)
  waitOf(exchange, limits)
  for (const name of ['state', 'delta']) flagOf(exchange, name)
}

export function lastOf(exchange: Exchange, limits: Limits): number | undefined {
  const text = singleOf(exchange, 'last')
  return text === undefined ? undefined : whole('last', text, 0, limits.lastMax)
}

/** How long to wait for news, in seconds, or `undefined` for a page at once. `Prefer: wait=20` is RFC 7240, section 4.3. */
export function waitOf(exchange: Exchange, limits: Limits): number | undefined {
  const text = singleOf(exchange, 'wait') ?? preferredWait(exchange.header('prefer'))
  return text === undefined ? undefined : whole('wait', text, 0, limits.waitSecondsMax)
}

function preferredWait(prefer: string | undefined): string | undefined {
  const preferences = (prefer ?? '').split(/[,;]/).map((preference) => preference.trim().toLowerCase())
  return preferences.find((preference) => preference.startsWith('wait='))?.slice('wait='.length)
}

/**
 * The cursor to start after. An `EventSource` that reconnects repeats its URL and adds the header, so the header wins
 * over the query; `If-None-Match` carries the cursor of a page or long poll that is asked for again.
 */
export function afterOf(exchange: Exchange, limits: Limits): string | undefined {
  const after = givenCursor(exchange) ?? unquoted(exchange.header('if-none-match'))
  if (after !== undefined && after.length > limits.cursorBytesMax) {
    throw new ProblemError('invalid-cursor', `A cursor has at most ${limits.cursorBytesMax} characters.`)
  }
  return after
}

const givenCursor = (exchange: Exchange): string | undefined =>
  nonEmpty(exchange.header('last-event-id')) ??
  nonEmpty(singleOf(exchange, 'lastEventId')) ??
  nonEmpty(singleOf(exchange, 'last-event-id')) ??
  singleOf(exchange, 'after')

/** Whether 304 is an answer: the client named this very tag, or the one that it starts from (RFC 9110, section 13.1.2). */
export function mayBeNotModified(exchange: Exchange, etag: string): boolean {
  const tag = exchange.header('if-none-match')
  return tag === etag || (unquoted(tag) !== undefined && givenCursor(exchange) === undefined)
}

/** An `EventSource` that never saw an id may send an empty one, which is none. */
const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text)

/** The cursor in an entity tag; `*` and lists name no single position, so they count as absent. */
function unquoted(tag: string | undefined): string | undefined {
  return /^(?:W\/)?"([A-Za-z0-9._-]+)"$/.exec(tag ?? '')?.[1]
}

export const etagOf = (cursor: string): string => `"${cursor}"`

export function viewOf(exchange: Exchange, limits: Limits): ViewOptions {
  return {
    keys: several(exchange, 'key', limits),
    types: several(exchange, 'type', limits),
    select: several(exchange, 'select', limits),
  }
}

/** `next` of a state page. */
export const nextOf = (exchange: Exchange): string | undefined => singleOf(exchange, 'next')

/** `next` of a list whose entries are numbered; 0 begins it. */
export function serialOf(exchange: Exchange): number {
  const text = singleOf(exchange, 'next')
  return text === undefined ? 0 : whole('next', text, 0, Number.MAX_SAFE_INTEGER)
}

/** The subject that a list is about, or `undefined` for all. */
export const subjectOf = (exchange: Exchange): string | undefined => singleOf(exchange, 'subject')
