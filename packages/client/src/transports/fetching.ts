/** A session by requests: what those have in common that can stop reading. */
import { asError } from '../error.ts'
import { loadStates } from './stream.ts'
import type { Opening, Session } from './transport.ts'

/**
 * @param read reads until `signal` aborts, or answers why there is no more. `room` resolves once what is read next has
 *   room: one subscription is waited for; of several, those that are full are carried no longer.
 */
export function fetching(
  opening: Opening,
  read: (signal: AbortSignal, room: () => Promise<void>) => Promise<unknown>,
): Session {
  const { hearing, subscriptions } = opening
  const ending = new AbortController()
  const { signal } = ending
  const session = { isHolding: false, close: () => ending.abort() }
  const room = async (): Promise<void> => {
    const [only, second] = subscriptions()
    if (only === undefined || second || !only.isFull) return
    session.isHolding = true
    await only.room()
    session.isHolding = false
    if (!signal.aborted) hearing.heard()
  }
  const run = async (): Promise<void> => {
    let error: unknown
    try {
      await loadStates(opening, signal)
      error = await read(signal, room)
    } catch (thrown) {
      error = thrown
    }
    if (!signal.aborted) hearing.ended(asError(error, 'the stream ended'))
    session.close()
  }
  void run()
  return session
}
