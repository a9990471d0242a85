/** Who is here: a watch of `$presence/…`, and one of the topic itself, by which one is a member [WP-9.4]. */
import type { WatchpostError } from './error.ts'
import { Listeners } from './listeners.ts'
import type { Status } from './machine.ts'
import type { Event } from './protocol.ts'
import type { Member } from './topics.ts'
import type { Watch, WatchOptions } from './watch.ts'

export interface PresenceOptions<Info = unknown> {
  /** What one tells of oneself: any JSON of up to 1 KiB. */
  readonly info?: Info
  /** `false` only looks: for whoever has joined by a watch of the topic with `info`, which takes no second connection. */
  readonly join?: boolean
  /** Leaves. */
  readonly signal?: AbortSignal
}

type Members<Info> = ReadonlyMap<string, Member<Info>>

export interface PresenceListeners<Info> {
  /** All who are here by subject, the anonymous by connection; once that is known, and when it changed. */
  state(members: Members<Info>): void
  /** `cause` is why it is no longer open, if it was not wanted. */
  status(status: Status, cause?: WatchpostError): void
  /** It is over, since the same would happen again. */
  error(error: WatchpostError): void
}

/** Those who are here, as often as that changes; a slow iteration gets the newest only. To leave the loop leaves the topic. */
export interface Presence<Info = unknown> extends AsyncIterable<Members<Info>, undefined> {
  /** Adds a listener; returns what removes it. */
  on<Name extends keyof PresenceListeners<Info>>(name: Name, listener: PresenceListeners<Info>[Name]): () => void
  /** Leaves, and looks no longer. */
  close(): Promise<void>
}

type Watches = (topic: string, options: WatchOptions) => Watch<unknown>

export function present(watch: Watches, topic: string, options: PresenceOptions): Presence {
  const { info, join = true, signal } = options
  const here = watch(`$presence/${topic}`, { state: true, signal }) as Watch<Event<string, Member>>
  // No event has this type: what is published is for those who watch it.
  const watches: readonly Watch<unknown>[] = join ? [here, watch(topic, { type: 'gap', info, signal })] : [here]
  const listeners = new Listeners<PresenceListeners<unknown>>()
  let members: Members<unknown> | undefined
  let failure: WatchpostError | undefined
  const waiters: (() => void)[] = []
  const wake = (): void => {
    for (const waiter of waiters.splice(0)) waiter()
  }
  const close = async (): Promise<void> => {
    await Promise.all(watches.map((each) => each.close()))
  }
  const ended = (error?: WatchpostError): void => {
    void close()
    wake()
    if (error === undefined) return
    failure ??= error
    listeners.tell('error', error)
  }
  here.on('state', (state) => {
    members = new Map([...state].map(([subject, { data }]) => [subject, data]))
    wake()
  })
  here.on('status', (status, cause) => listeners.tell('status', status, cause))
  for (const each of watches) {
    each.on('status', (status, cause) => status === 'closed' && ended(cause))
    // Whatever comes is taken, so that nothing is ever held back.
    each.on('event', () => undefined)
  }
  return {
    on: (name, listener: (told: never) => void) =>
      name === 'state'
        ? // Also whoever comes late is told by the watch; then `members` was taken from it already.
          here.on(name, () => listener(members as never))
        : listeners.add(name, listener),
    close,
    async *[Symbol.asyncIterator]() {
      try {
        for (let last: Members<unknown> | undefined; here.status !== 'closed'; ) {
          if (members === last) await new Promise<void>((resolve) => waiters.push(resolve))
          else yield (last = members) as Members<unknown>
        }
        if (failure !== undefined) throw failure
        return undefined
      } finally {
        await close()
      }
    },
  }
}
