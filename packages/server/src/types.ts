/** Types of topics, events and data as they follow from a configuration. */
import type { DataOf } from '@watchpost/core'
import type { Event, Gap } from '@watchpost/protocol'

/** The topics that a template stands for: `chat/{room}` for `chat/${string}`. */
export type TopicNames<Template extends string> = Template extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${TopicNames<After>}`
  : Template

/** Every topic that a configuration defines. */
export type TopicOf<T> = TopicNames<keyof T & string>

/** The event schemas of a topic; of all templates that match it. */
type SchemasOf<T, Topic extends string> = {
  [Template in keyof T & string]: Topic extends TopicNames<Template>
    ? T[Template] extends { readonly events: infer Events }
      ? Events
      : never
    : never
}[keyof T & string]

/** What a publisher sends; `timestamp` is RFC 3339. */
export type NewEvent<T, Topic extends string> =
  SchemasOf<T, Topic> extends infer Events
    ? {
        [Type in keyof Events & string]: {
          readonly type: Type
          /** `null` removes the key from a keyed topic's state. */
          readonly data: DataOf<Events[Type]> | null
          readonly key?: string
          readonly timestamp?: string
        }
      }[keyof Events & string]
    : never

/** What a watcher gets: for a topic of the configuration its own events, for a filter with a wildcard any event. */
export type WatchedEvent<T, Filter extends string> =
  Filter extends TopicOf<T>
    ? SchemasOf<T, Filter> extends infer Events
      ? { [Type in keyof Events & string]: Event<Type, DataOf<Events[Type]>> }[keyof Events & string]
      : never
    : Event

/** Announces that events can't be delivered any more [WP-2.4]; the stream goes on after them. */
export interface GapMessage {
  readonly type: 'gap'
  readonly data: Gap
  readonly timestamp: string
}
