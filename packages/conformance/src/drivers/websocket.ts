/** WebSockets [WP-4.1] in both languages, subscribed by their URL or by `subscribe`. */
import { type EphemeralEvent, type Event, RESERVED_TYPES } from '@watchpost/protocol'
import { type Codec, type Decoded, json, msgpack } from '../codec.ts'
import { Connection } from '../connection.ts'
import type { Delivery, Driver, NewEvent, Published, Watching, WatchRequest } from '../driver.ts'
import { eventDelivery, eventsOf } from '../events.ts'
import { Inbox } from '../inbox.ts'
import { Refusal } from '../refusal.ts'
import { startingUrl } from '../target.ts'

/** Past so many unhandled messages the network has to wait; below a quarter of it, no more. */
const UNHANDLED_MAX = 1_024

/** Codes after which the same would happen again, so that a client must not come back by itself [WP-4.9]. */
const FOR_GOOD = new Set([1002, 1003, 1007, 1008, 1009, 4400])

class SocketWatching implements Watching {
  cursor: string | undefined
  readonly #request: WatchRequest
  readonly #inbox = new Inbox<Decoded>()
  #connection: Connection | undefined
  #isPaused = false

  constructor(request: WatchRequest) {
    this.#request = request
  }

  /** Then the subscription's cursor is that of the watch. */
  get #isOnly(): boolean {
    return this.#request.topics.length === 1
  }

  /** @throws Refusal */
  async begin(baseUrl: string, codec: Codec, byUrl: boolean): Promise<void> {
    const { topics } = this.#request
    const url = byUrl && this.#isOnly ? startingUrl(baseUrl, this.#request) : `${baseUrl}/v1`
    const connection = await Connection.open(url, codec, (decoded) => this.#take(decoded))
    this.#connection = connection
    void this.#endWith(connection)
    try {
      if (url === `${baseUrl}/v1`) {
        await Promise.all(topics.map((topic) => connection.request('subscribe', this.#wish(topic))))
      }
      if (this.#isOnly) await this.#untilSubscribed()
    } catch (error) {
      connection.cut()
      throw error
    }
  }

  async next(): Promise<Delivery | undefined> {
    for (;;) {
      const decoded = await this.#inbox.take()
      if (this.#isPaused && this.#inbox.size < UNHANDLED_MAX / 4) {
        this.#isPaused = false
        this.#connection?.resume()
      }
      if (decoded === undefined || decoded.message['type'] === 'goodbye') return undefined
      const delivery = this.#deliveryOf(decoded)
      if (delivery === undefined) continue
      if (this.#isOnly) this.cursor = delivery.cursor ?? this.cursor
      return delivery
    }
  }

  async leave(): Promise<void> {
    const connection = this.#connection as Connection
    // Whatever still comes is forgotten; the answers behind it have to be read.
    this.#inbox.end()
    this.#inbox.clear()
    connection.resume()
    const asked = this.#request.topics.map((topic) => connection.request('unsubscribe', { topic }))
    await Promise.all(asked).catch((error: unknown) => {
      // Any other error is of a connection that ended by itself.
      if (error instanceof Refusal) throw error
    })
    await connection.close()
  }

  cut(): void {
    this.#inbox.end()
    this.#inbox.clear()
    this.#connection?.cut()
  }

  async #endWith(connection: Connection): Promise<void> {
    const { code, reason } = await connection.closed
    const isOver = connection.fault === undefined && !FOR_GOOD.has(code)
    this.#inbox.end(isOver ? undefined : (connection.fault ?? new Error(`closed with ${code} ${reason}`)))
  }

  #take(decoded: Decoded): void {
    const { type, data } = decoded.message
    if (type !== 'events') this.#inbox.put(decoded)
    // As if each had come by itself.
    else for (const event of eventsOf(data, undefined)) this.#inbox.put({ message: { ...event }, text: undefined })
    if (this.#inbox.size <= UNHANDLED_MAX || this.#isPaused) return
    this.#isPaused = true
    this.#connection?.pause()
  }

  /** What belongs to the subscription comes after `subscribed`, so that is the first delivery [WP-4.4]. */
  async #untilSubscribed(): Promise<void> {
    const first = await this.next()
    if (first?.kind !== 'bookmark') throw new Error(`a subscription must begin with subscribed, not ${first?.kind}`)
  }

  #wish(topic: string): object {
    const { after, last, key, type, select, present, info } = this.#request
    const views = Object.entries({ key, type, select }).flatMap(([name, values]) => {
      if (values === undefined) return []
      // Either form may be sent.
      return [[name, values.length === 1 ? values[0] : values] as const]
    })
    const start = { ...(after !== undefined && { after }), ...(last !== undefined && { last }) }
    const appearance = { ...(present !== undefined && { present }), ...(info !== undefined && { info }) }
    return { topic, ...start, ...Object.fromEntries(views), ...appearance }
  }

  /** What a client makes of a message; nothing of answers, and of control messages that it does not know [WP-1.2]. */
  #deliveryOf({ message, text }: Decoded): Delivery | undefined {
    const type = message['type'] as string
    if (!RESERVED_TYPES.has(type)) {
      const event = message as unknown as Event | EphemeralEvent
      return eventDelivery(event, text, this.#isOnly ? event.id : undefined)
    }
    const { re, data, error } = message as { re?: string; data?: Record<string, string>; error?: object }
    if (type === 'error' && re === undefined) throw new Refusal(undefined, { ...error })
    if (type !== 'subscribed' && type !== 'bookmark' && type !== 'gap') return undefined
    const { topic = '', cursor = '', reason, after, earliest = '' } = data ?? {}
    if (!this.#request.topics.includes(topic)) throw new Error(`${type} names ${topic}, which nobody subscribed to`)
    if (type === 'gap') return { kind: 'gap', cursor: earliest, reason, after }
    return this.#isOnly ? { kind: 'bookmark', cursor } : undefined
  }
}

/** One connection per publish: what a program does that has no other use for it. */
async function publish(baseUrl: string, codec: Codec, topic: string, event: NewEvent): Promise<object> {
  const connection = await Connection.open(`${baseUrl}/v1`, codec, () => undefined)
  try {
    return await connection.request('publish', { topic, ...event })
  } finally {
    await connection.close()
  }
}

function driver(name: string, codec: Codec, byUrl: boolean): Driver {
  return {
    name,
    transport: 'websocket',
    startsAt: 'latest',
    async watch(baseUrl, request) {
      const watching = new SocketWatching(request)
      await watching.begin(baseUrl, codec, byUrl)
      return watching
    },
    async publish(baseUrl, topic, event) {
      const { id, timestamp } = (await publish(baseUrl, codec, topic, event)) as Partial<Published>
      return { id: String(id), timestamp: String(timestamp) }
    },
    publishEphemeral: (baseUrl, topic, event) => publish(baseUrl, codec, topic, event),
  }
}

/** Subscribed by the URL of the topic; several topics, by `subscribe`. */
export const websocketJson: Driver = driver('websocket-json', json, true)
export const websocketMsgpack: Driver = driver('websocket-msgpack', msgpack, true)

/** Subscribed by `subscribe` on the path of all topics. */
export const subscribeJson: Driver = driver('subscribe-json', json, false)
export const subscribeMsgpack: Driver = driver('subscribe-msgpack', msgpack, false)
