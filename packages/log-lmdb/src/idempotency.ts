/** Remembers what publishes with an idempotency key were answered [WP-3.10]. Works inside the transaction of an append. */
import { createHash } from 'node:crypto'
import type { Append, Appended } from '@watchpost/core'
import { formatTimestamp, ProblemError } from '@watchpost/protocol'
import { expiryKey, type Store } from './store.ts'

/** How many expired answers one transaction forgets at most, so that a backlog of them holds up nobody. */
const FORGET_MAX = 64

type Idempotency = NonNullable<Append['idempotency']>

// Keys have any length, and LMDB's are bounded.
const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest()

/**
 * The answer to an earlier publish with the same key, or `undefined` if there is none that is still kept.
 * @throws ProblemError `idempotency-conflict` if the key was used for another body
 */
export function recall(store: Store, idempotency: Idempotency, nowMs: number): Appended | undefined {
  const row = store.idempotency.get(hashOf(idempotency.key))
  if (row === undefined) return undefined
  const [expiresMs, fingerprint, first, count, times, ephemeral] = row
  if (expiresMs <= nowMs) return undefined
  if (fingerprint !== idempotency.fingerprint) {
    throw new ProblemError(
      'idempotency-conflict',
      'This Idempotency-Key was used for another body. Use a new key for a new publish.',
    )
  }
  return { first, timestamps: decodeTimes(times, count), replayed: true, ...(ephemeral && { ephemeral }) }
}

/** Keeps an answer until `keepMs` have passed. */
export function remember(store: Store, idempotency: Idempotency, answer: Appended, nowMs: number): void {
  const hash = hashOf(idempotency.key)
  const earlier = store.idempotency.get(hash)
  if (earlier !== undefined) store.expiries.removeSync(expiryKey(earlier[0], hash))
  const expiresMs = nowMs + idempotency.keepMs
  const times = encodeTimes(answer.timestamps)
  const { first, timestamps, ephemeral } = answer
  const row = [expiresMs, idempotency.fingerprint, first, timestamps.length, times] as const
  store.idempotency.putSync(hash, ephemeral === undefined ? [...row] : [...row, [...ephemeral]])
  store.expiries.putSync(expiryKey(expiresMs, hash), Buffer.alloc(0))
}

/** Forgets some of the answers whose time has passed. */
export function forgetExpired(store: Store, nowMs: number): void {
  const end = expiryKey(nowMs + 1, Buffer.alloc(0))
  const expired = [...store.expiries.getKeys({ start: Buffer.from([0]), end, limit: FORGET_MAX })]
  for (const key of expired) {
    store.expiries.removeSync(key)
    store.idempotency.removeSync(key.subarray(6))
  }
}

// Most publishes give all their events the same time, which is kept once; the others as small differences.
function encodeTimes(timestamps: readonly string[]): number[] {
  const times = timestamps.map((timestamp) => Date.parse(timestamp))
  const first = times[0] as number
  if (times.every((time) => time === first)) return [first]
  return times.map((time, i) => time - (i === 0 ? 0 : (times[i - 1] as number)))
}

function decodeTimes(times: readonly number[], count: number): string[] {
  if (times.length === 1) return Array.from({ length: count }, () => formatTimestamp(times[0] as number))
  let timeMs = 0
  return times.map((difference) => formatTimestamp((timeMs += difference)))
}
