/** The states of a connection, and what leads from one to another. */

/**
 * - `idle`: it has not begun;
 * - `connecting`: a transport is being opened;
 * - `open`: it carries events;
 * - `waiting`: until the next attempt;
 * - `refreshing`: credentials were refused, and others are being asked for;
 * - `closed`: for good.
 */
export type Status = 'idle' | 'connecting' | 'open' | 'waiting' | 'refreshing' | 'closed'

/**
 * - `want`: there is something to watch;
 * - `ready`: the server said welcome;
 * - `lost`: the attempt failed, or the connection ended, and the same can succeed later;
 * - `refused`: the credentials were not taken, and there may be others;
 * - `renewed`: there are others;
 * - `elapsed`: the wait is over;
 * - `wake`: the network is there again, so there is no reason to wait or to trust an old connection;
 * - `end`: it was closed, there is nothing to watch any more, or the same would fail again.
 */
export type Happening = 'want' | 'ready' | 'lost' | 'refused' | 'renewed' | 'elapsed' | 'wake' | 'end'

/** What happenings make of each state. */
const CHANGES: Readonly<Record<Status, Partial<Readonly<Record<Happening, Status>>>>> = {
  idle: { want: 'connecting', end: 'closed' },
  connecting: { ready: 'open', lost: 'waiting', refused: 'refreshing', end: 'closed' },
  open: { lost: 'waiting', refused: 'refreshing', wake: 'connecting', end: 'closed' },
  waiting: { elapsed: 'connecting', wake: 'connecting', end: 'closed' },
  refreshing: { renewed: 'connecting', lost: 'waiting', end: 'closed' },
  closed: {},
}

/** The state after a happening; one that means nothing there leaves it as it is. */
export const next = (state: Status, happening: Happening): Status => CHANGES[state][happening] ?? state
