/** The subscriptions of one WebSocket, by their topic filters [WP-4.4]. */
import {
  type Attendance,
  type Encoding,
  type Identity,
  Siblings,
  type Sink,
  type Snapshot,
  type Subscription,
  type Watch,
} from '@watchpost/core'
import { formatTimestamp, ProblemError } from '@watchpost/protocol'
import type { App } from '../../app.ts'
import { attend, memberKey } from '../../presence.ts'
import { encodingFor } from '../bundles.ts'
import { type Prepared, type Wish, watchOf } from './wish.ts'

/** The connection whose subscriptions they are. */
export interface Carrier extends Sink<Buffer> {
  readonly app: App
  /** As `welcome` tells it. */
  readonly id: string
  readonly session: { readonly identity: Identity }
  readonly encoding: Encoding<Buffer>
  /** A message as a chunk. */
  frame(json: string): Buffer
}

interface Carried {
  readonly wish: Wish
  readonly subscription: Subscription<Buffer>
  readonly attendance: Attendance
  /** What whoever attends is called. */
  readonly member: string
}

/** A subscription that the client's rights are not enough for any more. */
export interface Revoked {
  readonly topic: string
  /** Where it ended. */
  readonly cursor: string
  readonly problem: ProblemError
}

export class Subscriptions {
  readonly #carrier: Carrier
  // Few per connection, and for most just one, so a list is small and quick enough.
  #carried: readonly Carried[] = []
  /** Made for the second subscription: most connections have none. */
  #siblings: Siblings | undefined

  constructor(carrier: Carrier) {
    this.#carrier = carrier
  }

  /**
   * Subscribes; `before` is called once nothing can go wrong any more, and before anything is sent.
   * @throws ProblemError `invalid-parameter` or `reach-maximum-subscriptions`
   */
  add(prepared: Prepared, before: () => void): void {
    const { wish, watch, located } = prepared
    const { filter } = wish
    const { app } = this.#carrier
    if (this.#carried.some((carried) => carried.wish.filter === filter)) {
      throw new ProblemError('invalid-parameter', `You are subscribed to ${JSON.stringify(filter)}; unsubscribe first.`)
    }
    const { subscriptionsPerConnection } = app.limits
    if (this.#carried.length >= subscriptionsPerConnection) {
      const detail = `A connection may have ${subscriptionsPerConnection} subscriptions.`
      throw new ProblemError('reach-maximum-subscriptions', detail)
    }
    this.#siblingsFor()?.demandCompatible(watch, prepared.snapshot !== undefined || watch.view.hasDeltas)
    before()
    const snapshot = this.#snapshotOf(prepared)
    this.#carry(wish, app.watcher.subscribe(watch, located, this.#encodingFor(watch), this.#carrier, snapshot))
  }

  /**
   * Ends a subscription; answers the cursor that it had reached.
   * @throws ProblemError `invalid-parameter`
   */
  remove(filter: string): string {
    const carried = this.#carried.find(({ wish }) => wish.filter === filter)
    if (carried === undefined) {
      throw new ProblemError('invalid-parameter', `You are not subscribed to ${JSON.stringify(filter)}.`)
    }
    this.#drop(carried)
    return this.#carrier.app.watcher.cursor(carried.subscription.position)
  }

  get filters(): readonly string[] {
    return this.#carried.map(({ wish }) => wish.filter)
  }

  /** Looks at all subscriptions again, now that the client may have other rights; answers those that it lost. */
  reassess(identity: Identity): readonly Revoked[] {
    const { app, id } = this.#carrier
    const member = memberKey(identity, id, app.limits)
    const revoked: Revoked[] = []
    for (const carried of this.#carried) {
      const { wish, subscription } = carried
      const watch = watchOf(app, wish, identity)
      if (watch instanceof ProblemError) {
        revoked.push({ topic: wish.filter, cursor: this.remove(wish.filter), problem: watch })
      } else if (watch.selection.isByRules || watch.selection.name !== subscription.watch.selection.name) {
        // It sees other topics, or other things of them, from where it stands on.
        this.#forget(carried)
        const replaced = app.watcher.replace(subscription, watch, this.#encodingFor(watch), this.#carrier)
        this.#carry(wish, replaced, carried.attendance)
      } else if (carried.member !== member) {
        const anew = this.#attending(wish, subscription, carried.attendance)
        this.#carried = this.#carried.map((each) => (each === carried ? anew : each))
      }
    }
    return revoked
  }

  close(): void {
    for (const carried of this.#carried) end(carried)
    this.#carried = []
  }

  #carry(wish: Wish, subscription: Subscription<Buffer>, before?: Attendance): void {
    this.#siblingsFor()?.add(subscription)
    this.#carried = [...this.#carried, this.#attending(wish, subscription, before)]
  }

  #attending(wish: Wish, subscription: Subscription<Buffer>, before?: Attendance): Carried {
    const { app, id, session } = this.#carrier
    const { identity } = session
    const { filter, appearance } = wish
    const attendance = attend(app, { identity, connection: id, filters: [filter], appearance }, before)
    return { wish, subscription, attendance, member: memberKey(identity, id, app.limits) }
  }

  #encodingFor(watch: Watch): Encoding<Buffer> {
    const { app, encoding } = this.#carrier
    return encodingFor(encoding, watch, app.log.epoch)
  }

  #drop(carried: Carried): void {
    this.#forget(carried)
    end(carried)
  }

  #forget(carried: Carried): void {
    this.#carried = this.#carried.filter((each) => each !== carried)
    this.#siblings?.remove(carried.subscription)
  }

  #siblingsFor(): Siblings | undefined {
    const [first] = this.#carried
    if (this.#siblings === undefined && first !== undefined) {
      this.#siblings = new Siblings()
      this.#siblings.add(first.subscription)
    }
    return this.#siblings
  }

  #snapshotOf({ wish, snapshot, located }: Prepared): Snapshot<Buffer> | undefined {
    if (snapshot === undefined) return undefined
    const { app } = this.#carrier
    const cursor = app.watcher.cursor(located.position)
    return {
      reader: snapshot,
      encode: ({ events, more }) => {
        const texts = events.map(({ json }) => json).join(',')
        const data = `{"topic":${JSON.stringify(wish.filter)},"cursor":"${cursor}","events":[${texts}],"more":${more}}`
        return this.#carrier.frame(
          `{"type":"snapshot","data":${data},"timestamp":"${formatTimestamp(app.clock.now())}"}`,
        )
      },
    }
  }
}

function end({ subscription, attendance }: Carried): void {
  subscription.close()
  attendance.leave()
}
