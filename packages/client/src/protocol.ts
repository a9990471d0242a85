/** What the client has from the protocol's package, and the only file that names it: the build puts a copy in its place. */
export type { EphemeralEvent, Event, GapReason, Json, ProblemName } from '@watchpost/protocol'
export { isExact, matchesFilter, SseParser } from '@watchpost/protocol'
