/**
 * What one WebSocket's client asks for, and what it is answered [WP-4.3].
 *
 * Next on the way down: subscriptions.ts, and {@link Watcher} in core/src/watch.ts.
 */
import { type ControlType, encodeControl, formatTimestamp, ProblemError } from '@watchpost/protocol'
import type { App } from '../../app.ts'
import type { Actor } from '../../audit.ts'
import type { Session } from '../../auth/session.ts'
import { endingsAmong } from '../../documents/lifecycle.ts'
import { MessageQuota } from '../../quotas/messages.ts'
import { preciseSeconds, publisherKey } from '../../quotas/quotas.ts'
import { problemMessage } from '../control.ts'
import type { Format } from './formats.ts'
import { Pace, type Paced } from './pace.ts'
import { type Asked, askedOf, demandText, idOf, publishRequest, type Request, requestOf, wishOf } from './requests.ts'
import type { Subscriptions } from './subscriptions.ts'
import { type Prepared, prepare, preparedAnew } from './wish.ts'

/** So many bad messages within so long are no mistake any more [WP-4.8]. */
const BAD_MESSAGES_MAX = 10
const BAD_MESSAGES_MS = 60_000

/** Levels that a message may nest beside those of an event's data. */
const MESSAGE_DEPTH = 3

/** The connection, as its dialogue sees it. */
export interface Speaker extends Actor, Paced {
  readonly app: App
  /** Names it in `welcome` and in logs. */
  readonly id: string
  readonly format: Format
  readonly subscriptions: Subscriptions
  send(json: string): void
  /** @throws ProblemError `forbidden` or `reach-maximum-connections` */
  renew(session: Session): void
  /** Ends it for what its client did. */
  cut(code: number, reason: string): void
}

export class Dialogue {
  readonly #speaker: Speaker
  readonly #pace: Pace
  readonly #quota: MessageQuota
  /** When bad messages came, on the monotonic clock. */
  #badMs: readonly number[] | undefined
  /** Subscribing takes its time, so what changes subscriptions is done one after the other. */
  #changes: Promise<void> | undefined

  constructor(speaker: Speaker) {
    this.#speaker = speaker
    this.#pace = new Pace(speaker)
    this.#quota = new MessageQuota(speaker.app.quotas.messageRates)
  }

  /** Takes a message, and sees to it that it is answered. */
  take(data: Buffer): void {
    let re: string | undefined
    let asked: Request | undefined
    try {
      const message = this.#read(data)
      re = idOf(message)
      this.#demandPace()
      asked = requestOf(message)
      void this.#pace.during(this.#answered(this.#perform(asked, data.length, re), re, asked))
    } catch (error) {
      this.answerProblem(error, re, askedOf(asked))
      if (this.#quota.isIgnored) this.#speaker.cut(4429, 'messages')
    }
    this.#pace.adjust()
  }

  /** Resolves when all that was asked for is answered. */
  settled(): Promise<void> {
    return this.#pace.settled()
  }

  /** Subscribes to what the client's URL or message asked for. */
  subscribe(asked: Prepared, re?: string): void {
    const { app, id, ended, subscriptions, session } = this.#speaker
    if (ended) return
    // Preparing it took its time, in which the client's rights, or the topics, may have changed.
    const prepared = preparedAnew(app, asked, session.identity)
    const { filter } = prepared.wish
    const data = {
      topic: filter,
      cursor: startOf(app, prepared),
      ...endingsAmong(app.registry, [filter], session.identity),
    }
    subscriptions.add(prepared, () => this.answer('subscribed', data, re))
    app.audit.note('subscribe', this.#speaker, { connection: id, topics: [filter] })
  }

  /** Looks at all subscriptions again, at once; those that are being prepared are when they are. */
  reassess(): void {
    const { app, id, ended, subscriptions, session } = this.#speaker
    if (ended) return
    for (const { topic, cursor, problem } of subscriptions.reassess(session.identity)) {
      this.answerProblem(problem)
      this.answer('unsubscribed', { topic, cursor })
      app.audit.note('unsubscribe', this.#speaker, { connection: id, topics: [topic], problem })
    }
  }

  answer(type: ControlType, data: object | undefined, re?: string): void {
    const { app } = this.#speaker
    this.#speaker.send(encodeControl(type, data, formatTimestamp(app.clock.now()), re))
  }

  /** @param asked what was refused, if a request was */
  answerProblem(error: unknown, re?: string, asked?: Asked): void {
    const { app, id } = this.#speaker
    const problem =
      error instanceof ProblemError
        ? error
        : new ProblemError('internal', 'The server failed; its log has the cause.', {}, error)
    if (asked !== undefined) app.audit.refusal(this.#speaker, { connection: id, problem, ...asked })
    this.#speaker.send(problemMessage(app, id, problem, re))
    if (problem.problem === 'invalid-message') this.#countBad()
  }

  /** @throws ProblemError `invalid-message` */
  #read(data: Buffer): unknown {
    const { app, format } = this.#speaker
    try {
      return format.read(data, app.limits.eventDepthMax + MESSAGE_DEPTH)
    } catch (error) {
      throw new ProblemError('invalid-message', (error as Error).message)
    }
  }

  /** @throws ProblemError `rate-limited` */
  #demandPace(): void {
    const { clock, quotas } = this.#speaker.app
    const waitMs = this.#quota.take(clock.monotonic())
    if (waitMs > 0) throw quotas.refusal('messagesPerSecond', preciseSeconds(waitMs))
  }

  /** @throws ProblemError, or rejects with it */
  #perform({ type, data }: Request, bytes: number, re: string | undefined): Promise<void> {
    const { app, id, session, address, subscriptions } = this.#speaker
    const client = { holder: session.identity.holder, address }
    switch (type) {
      case 'subscribe': {
        const wish = wishOf(data, app.limits)
        return this.#change(async () => this.subscribe(await prepare(app, wish, this.#speaker.session.identity), re))
      }
      case 'unsubscribe': {
        const topic = demandText(data, 'topic')
        return this.#change(() => {
          this.answer('unsubscribed', { topic, cursor: subscriptions.remove(topic) }, re)
          app.audit.note('unsubscribe', this.#speaker, { connection: id, topics: [topic] })
        })
      }
      case 'publish':
        app.quotas.demandPublish(client)
        return app.bodies.holding(publisherKey(client), bytes, async () => {
          this.answer('published', await publishRequest(app, this.#speaker, id, data), re)
        })
      case 'authenticate':
        // In the order in which they came, or an older token could be the last.
        return this.#change(() => this.#authenticate(demandText(data, 'token'), re))
      case 'ping':
        this.answer('pong', undefined, re)
        return Promise.resolve()
    }
  }

  /** Takes new credentials of the same holder, or the first ones of a client that had none [WP-6.7]. */
  async #authenticate(token: string, re: string | undefined): Promise<void> {
    const { app, address } = this.#speaker
    if (app.authenticator === undefined) throw new ProblemError('unauthorized', 'This server knows no tokens.')
    const session = await app.authenticator.verify(token, address)
    if (this.#speaker.ended) return
    this.#speaker.renew(session)
    const { expiresMs } = session
    this.answer('authenticated', expiresMs === undefined ? {} : { expires: formatTimestamp(expiresMs) }, re)
  }

  /** Resolves when a request is answered, be it with its failure. */
  async #answered(work: Promise<void>, re: string | undefined, asked: Request): Promise<void> {
    try {
      await work
    } catch (error) {
      this.answerProblem(error, re, askedOf(asked))
    }
  }

  #change(act: () => Promise<void> | void): Promise<void> {
    const changed = (this.#changes ?? Promise.resolve()).then(act)
    this.#changes = changed.catch(() => undefined)
    return changed
  }

  #countBad(): void {
    const nowMs = this.#speaker.app.clock.monotonic()
    this.#badMs = [...(this.#badMs ?? []).filter((ms) => nowMs - ms < BAD_MESSAGES_MS), nowMs]
    if (this.#badMs.length >= BAD_MESSAGES_MAX) this.#speaker.cut(4400, 'bad messages')
  }
}

/** The cursor that a subscription is said to start from. A gap is announced to whoever has the one that met it. */
export const startOf = ({ watcher }: App, { located }: Prepared): string =>
  located.gap?.after ?? watcher.cursor(located.position)
