/** A client's publish, however it was sent: appended, traced, counted, and noted in the audit log. */
import type { Appended, PublishOptions, Resolved } from '@watchpost/core'
import { formatCursor } from '@watchpost/protocol'
import type { App } from './app.ts'
import type { Actor } from './audit.ts'

/** What a client publishes. */
export interface ClientPublish {
  readonly resolved: Resolved
  /** Parsed JSON values, none of them checked. */
  readonly events: readonly unknown[]
  readonly options: PublishOptions
  /** Of a request by HTTP. */
  readonly headers?: object
  /** The id of the connection whose message it is, if it is one. */
  readonly connection?: string
}

/** @throws ProblemError what {@link Publisher.publish} throws */
export async function publishFor(app: App, actor: Actor, publish: ClientPublish): Promise<Appended> {
  const { resolved, events, options, headers, connection } = publish
  const publishing = { resolved, events: events.length, ...(headers && { headers }) }
  const appended = await app.tracing.publish(publishing, () => app.publisher.publish(resolved, events, options))
  const { first, replayed } = appended
  const { length } = appended.timestamps
  if (!replayed) app.metrics.countPublish(resolved.topic.template, length)
  app.audit.note('publish', actor, {
    ...(connection !== undefined && { connection }),
    ...{ topic: resolved.name, events: length, first: idOf(app, first), last: idOf(app, first + length - 1), replayed },
  })
  return appended
}

/** The id of an event of the log. */
export const idOf = ({ log }: App, offset: number): string => formatCursor(log.epoch, { offset, trims: 0 })
