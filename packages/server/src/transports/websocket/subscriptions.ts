/** The subscriptions of one WebSocket, by their topic filters [WP-4.4]. */
import { type Encoding, Siblings, type Sink, type Snapshot, type Subscription } from '@watchpost/core'
import { formatTimestamp, ProblemError } from '@watchpost/protocol'
import type { App } from '../../app.ts'
import type { Prepared } from './wish.ts'

/** The connection whose subscriptions they are. */
export interface Carrier extends Sink<Buffer> {
  readonly app: App
  readonly encoding: Encoding<Buffer>
  /** A message as a chunk. */
  frame(json: string): Buffer
}

interface Carried {
  readonly filter: string
  readonly subscription: Subscription<Buffer>
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
    const { filter, watch, located } = prepared
    const { app, encoding } = this.#carrier
    if (this.#carried.some((carried) => carried.filter === filter)) {
      throw new ProblemError('invalid-parameter', `You are subscribed to ${JSON.stringify(filter)}; unsubscribe first.`)
    }
    const { subscriptionsPerConnection } = app.limits
    if (this.#carried.length >= subscriptionsPerConnection) {
      const detail = `A connection may have ${subscriptionsPerConnection} subscriptions.`
      throw new ProblemError('reach-maximum-subscriptions', detail)
    }
    const siblings = this.#siblingsFor()
    siblings?.demandCompatible(watch, prepared.snapshot !== undefined || watch.view.hasDeltas)
    before()
    const snapshot = this.#snapshotOf(prepared)
    const subscription = app.watcher.subscribe(watch, located, encoding, this.#carrier, snapshot)
    siblings?.add(subscription)
    this.#carried = [...this.#carried, { filter, subscription }]
  }

  /**
   * Ends a subscription; answers the cursor that it had reached.
   * @throws ProblemError `invalid-parameter`
   */
  remove(filter: string): string {
    const carried = this.#carried.find((each) => each.filter === filter)
    if (carried === undefined) {
      throw new ProblemError('invalid-parameter', `You are not subscribed to ${JSON.stringify(filter)}.`)
    }
    const { subscription } = carried
    this.#carried = this.#carried.filter((each) => each !== carried)
    this.#siblings?.remove(subscription)
    subscription.close()
    return this.#carrier.app.watcher.cursor(subscription.position)
  }

  close(): void {
    for (const { subscription } of this.#carried) subscription.close()
    this.#carried = []
  }

  #siblingsFor(): Siblings | undefined {
    const [first] = this.#carried
    if (this.#siblings === undefined && first !== undefined) {
      this.#siblings = new Siblings()
      this.#siblings.add(first.subscription)
    }
    return this.#siblings
  }

  #snapshotOf({ filter, snapshot, located }: Prepared): Snapshot<Buffer> | undefined {
    if (snapshot === undefined) return undefined
    const { app } = this.#carrier
    const cursor = app.watcher.cursor(located.position)
    return {
      reader: snapshot,
      encode: ({ events, more }) => {
        const texts = events.map(({ json }) => json).join(',')
        const data = `{"topic":${JSON.stringify(filter)},"cursor":"${cursor}","events":[${texts}],"more":${more}}`
        return this.#carrier.frame(
          `{"type":"snapshot","data":${data},"timestamp":"${formatTimestamp(app.clock.now())}"}`,
        )
      },
    }
  }
}
