/** What a client asks for by message [WP-4.3]: read here, answered by a table with one row for each type. */
import { type Json, type Limits, ProblemError, REQUEST_TYPES, type RequestType } from '@watchpost/protocol'
import type { App } from '../../app.ts'
import type { Actor } from '../../audit.ts'
import { idempotencyOf } from '../../idempotency.ts'
import { demandInfo } from '../../presence.ts'
import { idsOf, publishFor } from '../../publishing.ts'
import type { Wish } from './wish.ts'

type Members = Readonly<Record<string, Json | undefined>>

export interface Request {
  readonly type: RequestType
  readonly data: Members
}

const ID_CHARACTERS_MAX = 64

const bad = (detail: string): ProblemError => new ProblemError('invalid-message', detail)

/** The `id` of what may be a request, so that also what is wrong with it can be answered under it. */
export function idOf(message: unknown): string | undefined {
  const id = isObject(message) ? message['id'] : undefined
  return typeof id === 'string' && id.length <= ID_CHARACTERS_MAX ? id : undefined
}

/** @throws ProblemError `invalid-message` */
export function requestOf(message: unknown): Request {
  if (!isObject(message)) throw bad('A message is an object with "type", and mostly "id" and "data".')
  checkMembers(message, ['type', 'id', 'data', 'timestamp'], 'a message')
  const { type, id, data = {} } = message as { type?: Json; id?: Json; data?: Json }
  if (id !== undefined && idOf(message) === undefined) {
    throw bad(`"id" must be a string of at most ${ID_CHARACTERS_MAX} characters.`)
  }
  const known = REQUEST_TYPES.find((name) => name === type)
  if (known === undefined) throw bad(`"type" must be one of ${REQUEST_TYPES.join(', ')}.`)
  if (!isObject(data)) throw bad('"data" must be an object.')
  checkMembers(data, DATA_MEMBERS[known], `"data" of ${known}`)
  return { type: known, data }
}

const DATA_MEMBERS: Readonly<Record<RequestType, readonly string[]>> = {
  subscribe: ['topic', 'after', 'last', 'key', 'type', 'select', 'state', 'delta', 'present', 'info'],
  unsubscribe: ['topic'],
  publish: ['topic', 'type', 'data', 'key', 'timestamp', 'idempotencyKey'],
  authenticate: ['token'],
  ping: [],
}

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function checkMembers(value: Members, known: readonly string[], what: string): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const may = known.length === 0 ? 'has no members' : `may have ${known.join(', ')}`
  throw bad(`${JSON.stringify(unknown.slice(0, ID_CHARACTERS_MAX))} is no member of ${what}, which ${may}.`)
}

/** @throws ProblemError `invalid-message`, `invalid-parameter` or `invalid-cursor` */
export function wishOf(data: Members, limits: Limits): Wish {
  return {
    filter: demandText(data, 'topic'),
    view: {
      keys: several(data, 'key', limits),
      types: several(data, 'type', limits),
      select: several(data, 'select', limits),
      delta: flag(data, 'delta'),
    },
    after: cursor(data, limits),
    last: last(data, limits),
    state: flag(data, 'state'),
    appearance: { present: flag(data, 'present', true), info: demandInfo(data['info'], limits) },
  }
}

/** @throws ProblemError `invalid-message` */
export function demandText(data: Members, name: string): string {
  const value = data[name]
  if (typeof value === 'string') return value
  throw bad(`"${name}" must be a string.`)
}

function several(data: Members, name: string, { filtersMax }: Limits): readonly string[] {
  const value = data[name] ?? []
  const list = Array.isArray(value) ? (value as readonly Json[]) : [value]
  if (list.length > filtersMax) throw new ProblemError('invalid-parameter', `"${name}": at most ${filtersMax} of them.`)
  if (list.every((item) => typeof item === 'string')) return list
  throw bad(`"${name}" must be a string or a list of strings.`)
}

function flag(data: Members, name: string, otherwise = false): boolean {
  const value = data[name] ?? otherwise
  if (typeof value === 'boolean') return value
  throw bad(`"${name}" must be true or false.`)
}

function cursor(data: Members, { cursorBytesMax }: Limits): string | undefined {
  if (data['after'] === undefined) return undefined
  const after = demandText(data, 'after')
  if (after.length <= cursorBytesMax) return after
  throw new ProblemError('invalid-cursor', `A cursor has at most ${cursorBytesMax} characters.`)
}

function last(data: Members, { lastMax }: Limits): number | undefined {
  const value = data['last']
  if (value === undefined) return undefined
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= lastMax) return value as number
  throw new ProblemError('invalid-parameter', `"last" must be a whole number from 0 to ${lastMax}.`)
}

/** What the audit log calls a request that was refused. */
export interface Asked {
  readonly request: string
  readonly topics?: readonly string[]
}

/** @param request `undefined` if it was not read: then it is just a message */
export function askedOf(request: Request | undefined): Asked {
  if (request === undefined) return { request: 'message' }
  const { topic } = request.data
  return { request: request.type, ...(typeof topic === 'string' && { topics: [topic] }) }
}

/** Publishes an event; answers the data of `published`. */
export async function publishRequest(app: App, actor: Actor, connection: string, data: Members): Promise<object> {
  const { identity } = actor.session
  const { topic: _topic, idempotencyKey, ...event } = data
  const topic = demandText(data, 'topic')
  const resolved = app.registry.demand('publish', topic, identity)
  if (app.connections.closing) throw new ProblemError('going-away', 'This server is shutting down.', { retryAfter: 1 })
  const scope = { identity, topic, limits: app.limits }
  const options =
    idempotencyKey === undefined
      ? {}
      : {
          idempotency: idempotencyOf(
            demandText(data, 'idempotencyKey'),
            '"idempotencyKey"',
            scope,
            JSON.stringify(event),
          ),
        }
  const appended = await publishFor(app, actor, { resolved, events: [event], options, connection })
  return { topic, id: idsOf(app, appended)[0], timestamp: appended.timestamps[0] }
}
