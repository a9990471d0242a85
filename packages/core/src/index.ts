/** Topic definitions, publish, watch and the hub: no socket, no file, no clock of its own. */
export {
  type Access,
  type AccessContext,
  type AccessRule,
  type Action,
  ANONYMOUS,
  type Claims,
  type Grants,
  type Identity,
  type Mask,
  mayAllow,
  SERVER,
} from './access.ts'
export { offsetsOf, storedCount } from './appended.ts'
export type { Clock } from './clock.ts'
export {
  type EventSchemas,
  type KeyedTopicDefinition,
  type KeySource,
  ON_SLOW,
  type OnSlow,
  type Topic,
  type TopicDefinition,
  TRANSPORTS,
  type Transport,
  type TypedTopicDefinition,
  topic,
} from './definition.ts'
export { DefinitionError } from './definition-error.ts'
export type { Deprecation } from './deprecation.ts'
export type { Delivery, Encoding } from './feed.ts'
export { mapParts } from './flat-schema.ts'
export type { Beating } from './heartbeats.ts'
export { Hub } from './hub.ts'
export { type AbortSignalLike, iterate } from './iterate.ts'
export type * from './log.ts'
export { type Masked, maskedData } from './mask.ts'
export { parsePointer } from './pointer.ts'
export { presentAt } from './presence/companion.ts'
export { type Attendance, Presence, type PresenceOptions } from './presence/presence.ts'
export { Publisher, type PublishOptions } from './publish.ts'
export { Registry, type RegistryOptions, type Resolved } from './registry.ts'
export { type Sweeping, sweepRegularly } from './retention.ts'
export type { DataOf, EphemeralSchema, EventSchema, JsonSchema, Schema, StandardSchema } from './schema.ts'
export { Siblings } from './siblings.ts'
export type { SnapshotPart, SnapshotReader } from './snapshot.ts'
export { formatNext, parseNext, readState, type StatePage, type StateRequest } from './state.ts'
export { type Sink, type Snapshot, Subscription, type SubscriptionState } from './subscription.ts'
export type { ViewOptions } from './view.ts'
export { type Located, type Page, type Start, type Watch, Watcher } from './watch.ts'
