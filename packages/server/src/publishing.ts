/** A client's publish, however it was sent: appended, traced, counted, and noted in the audit log. */
import { type Appended, offsetsOf, type PublishOptions, type Resolved } from '@watchpost/core'
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
  const { replayed } = appended
  const { length } = appended.timestamps
  const stored = idsOf(app, appended).filter((id) => id !== undefined)
  if (!replayed) app.metrics.countPublish(resolved.topic.template, appended)
  app.audit.note('publish', actor, {
    ...(connection !== undefined && { connection }),
    ...{ topic: resolved.name, events: length, first: stored[0], last: stored.at(-1), replayed },
  })
  return appended
}

/** The ids of the events of a publish; `undefined` for those that are not stored [WP-9.3]. */
export const idsOf = ({ log }: Pick<App, 'log'>, appended: Appended): readonly (string | undefined)[] =>
  offsetsOf(appended).map((offset) =>
    offset === undefined ? undefined : formatCursor(log.epoch, { offset, trims: 0 }),
  )
