/** What the parts of an OpenAPI document are made with. */
import type { Documented } from '../documented.ts'
import type { TopicSchemas } from '../topics.ts'
import type { Media } from './media.ts'
import type { ProblemResponses } from './responses.ts'

/** A node of the document. */
export type Node = Readonly<Record<string, unknown>>

/** Path items by their paths. */
export type Paths = Readonly<Record<string, Node>>

export interface Building {
  readonly documented: Documented
  readonly topics: readonly TopicSchemas[]
  /** The names of the schemas of frames, by those of the topics that can be watched. */
  readonly frames: ReadonlyMap<string, string>
  readonly media: Media
  readonly problems: ProblemResponses
}
