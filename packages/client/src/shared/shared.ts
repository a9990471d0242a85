/**
 * One connection for all tabs of an origin: one of them holds it, and the others get their events through it. When that
 * tab is closed or frozen another one takes over, and each goes on from its cursors.
 */
import { type Settings, type TransportName, transportsOf } from '../options.ts'
import { Keeper } from '../storage.ts'
import type { Transport } from '../transports/transport.ts'
import { VERSION } from './messages.ts'
import { Seat } from './seat.ts'
import { SharedSession } from './session.ts'

export interface SharedOptions {
  /**
   * Tabs with one name share what they watch of one server; those of different persons need different ones, such as their
   * ids. Needed if the client has a `token`.
   */
  readonly name?: string
  /** Of the connection, the best first. Default: WebSocket if there is one, SSE, long poll. */
  readonly transports?: readonly (TransportName | Transport)[]
}

/**
 * The transport, to be named first among the `transports` of a client; others after it are for browsers that lack Web
 * Locks. To make a client with it that has a token is a TypeError, unless it has a name.
 */
export function shared({ name, transports }: SharedOptions = {}): Transport {
  const seats = new WeakMap<Settings, Seat>()
  const seatOf = (settings: Settings): Seat => {
    const { keeper } = settings
    const seat =
      seats.get(settings) ??
      new Seat(`watchpost ${VERSION} ${settings.base} ${name ?? ''}`, {
        ...settings,
        transports: transportsOf(transports, settings),
        // What works between tabs says nothing of what works beyond them.
        keeper: new Keeper({
          get: (key) => keeper.get(`shared:${key}`),
          set: (key, value) => keeper.set(`shared:${key}`, value),
        }),
      })
    seats.set(settings, seat)
    return seat
  }
  return {
    name: 'shared',
    isShared: true,
    canHold: false,
    isAvailable: ({ credentials }) => {
      if (name === undefined && credentials.isGiven) {
        throw new TypeError(
          'shared: the tab that holds the connection uses its own token for all; say whose it is, as in shared({ name: userId })',
        )
      }
      return typeof BroadcastChannel === 'function' && globalThis.navigator?.locks !== undefined
    },
    open: (opening) => new SharedSession(opening, seatOf(opening.settings)),
  }
}
