/** What Watchpost's clients and servers share: no dependency, no I/O, runs in any JavaScript runtime. */
export { type Cursor, formatCursor, type Position, parseCursor, type Sentinel } from './cursor.ts'
export {
  dataOf,
  type EphemeralEvent,
  type Event,
  type EventParts,
  encodeEvent,
  isTypeName,
  type Json,
  keyOf,
  topicOf,
  typeOf,
  withData,
  withPatch,
} from './event.ts'
export { LIMITS, type LimitName, type LimitRow, type Limits, limitsWith } from './limits.ts'
export {
  type ControlType,
  encodeControl,
  encodeError,
  type Gap,
  type GapReason,
  type MessageError,
  REQUEST_TYPES,
  RESERVED_TYPES,
  type RequestType,
  type Welcome,
} from './messages.ts'
export {
  type EventFault,
  PROBLEMS,
  type ProblemDocument,
  ProblemError,
  type ProblemMembers,
  type ProblemName,
  type ProblemRow,
  problemDocument,
  problemType,
} from './problems.ts'
export { encodeSse, encodeSseEvent, type SseEvent, type SseFrame, SseParser } from './sse.ts'
export { formatTimestamp, normalizeTimestamp } from './timestamp.ts'
export {
  compareTemplates,
  filterFault,
  filtersOverlap,
  isExact,
  literalPrefix,
  matchesFilter,
  matchTemplate,
  type TopicBounds,
  templateFault,
  topicFault,
} from './topic.ts'
