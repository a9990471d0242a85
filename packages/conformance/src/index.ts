/** Clients of every transport, and the cases that a Watchpost server must pass on each of them. */
export { type Case, type Context, contextOf } from './case.ts'
export { cases } from './cases/index.ts'
export { type Codec, type Decoded, json, msgpack } from './codec.ts'
export { type Closed, Connection } from './connection.ts'
export {
  type BookmarkDelivery,
  type Delivery,
  type Driver,
  type EphemeralDelivery,
  type EventDelivery,
  type GapDelivery,
  type NewEvent,
  type Published,
  TRANSPORT_NAMES,
  type TransportName,
  type Watching,
  type WatchRequest,
} from './driver.ts'
export { drivers } from './drivers/index.ts'
export { type Loss, lose } from './loss.ts'
export { post } from './publish.ts'
export { Refusal } from './refusal.ts'
export { KEPT_EVENTS, SUITE_TOPICS, type SuiteTopic } from './topics.ts'
