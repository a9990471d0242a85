/** Who a connection makes present [WP-9.4], and what it may tell of itself. */
import { createHash, randomUUID } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { type Attendance, type Clock, type Identity, Presence, type PresenceOptions } from '@watchpost/core'
import { type Json, type Limits, ProblemError } from '@watchpost/protocol'
import type { App } from './app.ts'
import { nestsDeeper, parseJson } from './formats/json.ts'
import type { Exchange } from './http/exchange.ts'
import { flagOf, singleOf } from './http/query.ts'
import { RETURN_MS_MAX } from './transports/control.ts'

/** How often it is told that there are too many topics with members. */
const TOLD_EVERY_MS = 60_000

/** Of this process, which are known to live. */
const ours = new Set<string>()

/** Where numbers of processes mean the same: a container may have the name of its host, or of another container. */
const HOST = createHash('sha256').update(`${hostname()} ${processNamespace()}`).digest('hex').slice(0, 8)

/** Tells the sets of numbers of processes on one machine apart, where there are several. */
function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has them.
    return ''
  }
}

/** The presence of one server, under a name of its own. */
export function createPresence(
  options: Pick<PresenceOptions, 'log' | 'registry' | 'clock' | 'limits' | 'heartbeatMs'>,
  { logger, metrics }: Pick<App, 'logger' | 'metrics'>,
): Presence {
  const node = `${HOST}-${process.pid}-${randomUUID()}`
  ours.add(node)
  const tellFull = occasionally(options.clock, (topic: string) => {
    const fix = 'raise limits.presenceTopicsMax, or say by watch who may be in which topic'
    logger.warn({ topic }, `who is present is not told of in more topics: ${fix}`)
  })
  return new Presence({
    ...{ ...options, node, isGone, returnMs: RETURN_MS_MAX },
    onFailure: (error) => logger.error({ err: error }, 'who is present could not be told'),
    onRefused: ({ topic }) => {
      metrics.refused.inc({ limit: 'presenceTopicsMax' })
      tellFull(topic)
    },
    onDied: (died) => logger.warn({ node: died }, 'a process on this log ended without a word; its members have left'),
  })
}

/** The same, once a minute at most: clients can cause it as often as they like. */
function occasionally<Told>(clock: Pick<Clock, 'monotonic'>, tell: (told: Told) => void): (told: Told) => void {
  let nextMs = Number.NEGATIVE_INFINITY
  return (told) => {
    if (clock.monotonic() < nextMs) return
    nextMs = clock.monotonic() + TOLD_EVERY_MS
    tell(told)
  }
}

/** Whether the process of a name is no more. */
function isGone(node: string): boolean {
  const [host, number] = node.split('-', 2)
  const pid = Number(number)
  if (host !== HOST) return false
  if (pid === process.pid) return !ours.has(node)
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** How a client that watches appears to those who watch who is present [WP-3.6]. */
export interface Appearance {
  /** Whether it is a member of what it watches at all. */
  readonly present: boolean
  /** What it tells of itself. */
  readonly info: Json | undefined
}

/** A connection that watches. */
interface Attendant {
  readonly identity: Identity
  /** As `welcome` tells it. */
  readonly connection: string
  readonly filters: readonly string[]
  readonly appearance: Appearance
}

/** Makes whoever watches present where they do, until they leave; in the place of how they were `before`, if they were. */
export function attend({ presence, limits }: App, attendant: Attendant, before?: Attendance): Attendance {
  const { identity, connection, filters, appearance } = attendant
  const { present, info } = appearance
  const key = memberKey(identity, connection, limits)
  return presence.attend({ filters: present ? filters : [], key, info, before })
}

/** What whoever watches is called: the subject, or the connection of the anonymous. */
export function memberKey({ subject }: Identity, connection: string, { keyBytesMax }: Limits): string {
  if (subject === undefined || subject === '') return connection
  if (Buffer.byteLength(subject) <= keyBytesMax && subject.isWellFormed()) return subject
  // It is still one for each subject.
  return createHash('sha256').update(subject).digest('base64url')
}

/**
 * What a connection tells of itself, if that is little enough.
 * @throws ProblemError `invalid-parameter`
 */
export function demandInfo(info: Json | undefined, { presenceInfoBytesMax }: Limits): Json | undefined {
  if (info === undefined || Buffer.byteLength(JSON.stringify(info)) <= presenceInfoBytesMax) return info
  throw new ProblemError('invalid-parameter', `info: may have ${presenceInfoBytesMax} bytes as JSON.`)
}

/**
 * What the query of a request says of it.
 * @throws ProblemError `invalid-parameter`
 */
export const appearanceOf = (exchange: Exchange, limits: Limits): Appearance => ({
  present: flagOf(exchange, 'present', 'true'),
  info: infoOf(singleOf(exchange, 'info'), limits),
})

function infoOf(text: string | undefined, limits: Limits): Json | undefined {
  if (text === undefined) return undefined
  const { eventDepthMax } = limits
  // Before it is read, since whatever reads it recurses.
  if (nestsDeeper(text, eventDepthMax)) {
    throw new ProblemError('invalid-parameter', `Parameter info: must not nest deeper than ${eventDepthMax} levels.`)
  }
  try {
    return demandInfo(parseJson(text, 'Parameter info') as Json, limits)
  } catch (error) {
    if (error instanceof ProblemError) throw error
    throw new ProblemError('invalid-parameter', (error as RangeError).message)
  }
}
