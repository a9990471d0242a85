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
export type NewEvent<T, Topic extends string> = NewEventOf<SchemasOf<T, Topic>>

// A type parameter of its own makes this distribute: several templates that match give the events of each of them.
type NewEventOf<Events> = Events extends unknown
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
  Filter extends TopicOf<T> ? WatchedEventOf<SchemasOf<T, Filter>> : Event

type WatchedEventOf<Events> = Events extends unknown
  ? { [Type in keyof Events & string]: Event<Type, DataOf<Events[Type]>> }[keyof Events & string]
  : never

/** Announces that events can't be delivered any more [WP-2.4]; the stream goes on after them. */
export interface GapMessage {
  readonly type: 'gap'
  readonly data: Gap
  readonly timestamp: string
}
