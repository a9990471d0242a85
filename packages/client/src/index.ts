/** Watches a Watchpost server, and publishes to it, from any JavaScript runtime. */
export {
  type Client,
  createClient,
  type Page,
  type PageOptions,
  type Published,
  type PublishOptions,
  type StateOptions,
} from './client.ts'
export { type TokenSource } from './credentials.ts'
export { type ProblemMembers, WatchpostError } from './error.ts'
export type { Status } from './machine.ts'
export type { ClientOptions, SocketLike, TransportName } from './options.ts'
export type { Presence, PresenceListeners, PresenceOptions } from './presence.ts'
export type { EphemeralEvent, Event, GapReason, Json, ProblemName } from './protocol.ts'
export type { State } from './state.ts'
export { type ClientStorage, memoryStorage, webStorage } from './storage.ts'
export type {
  Described,
  FilterOf,
  IdOf,
  Member,
  NewEvent,
  PresenceOf,
  Selected,
  Stored,
  TopicOf,
  TypeOf,
  Undescribed,
  WatchedEvent,
} from './topics.ts'
export type { Transport } from './transports/transport.ts'
export type { Gap, GapMessage, View, Watch, WatchListeners, WatchOptions } from './watch.ts'
