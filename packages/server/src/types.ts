/** Types of topics, events and data as they follow from a configuration. */
import type { DataOf } from '@watchpost/core'
import type { EphemeralEvent, Event, Gap } from '@watchpost/protocol'

/** The topics that a template stands for: `chat/{room}` for `chat/${string}`. */
export type TopicNames<Template extends string> = Template extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${TopicNames<After>}`
  : Template

/** Every topic that a configuration defines. */
export type TopicOf<T> = TopicNames<keyof T & string>

/** The definition that a topic falls under; all of them, if several templates match. */
type DefinitionOf<T, Topic extends string> = {
  [Template in keyof T & string]: Topic extends TopicNames<Template> ? T[Template] : never
}[keyof T & string]

/** Data by event type. In a keyed topic it may be `null`, which removes the key from the state [WP-9.1]. */
type DataByType<Definition> = Definition extends { readonly events: infer Events }
  ? {
      [Type in keyof Events & string]:
        | DataOf<Events[Type]>
        | (Definition extends { readonly key: unknown } ? null : never)
    }
  : never

/** What a publisher sends; `timestamp` is RFC 3339. */
export type NewEvent<T, Topic extends string> = NewEventOf<DataByType<DefinitionOf<T, Topic>>>

// A type parameter of its own makes this distribute: several templates that match give the events of each of them.
type NewEventOf<Data> = Data extends unknown
  ? {
      [Type in keyof Data & string]: {
        readonly type: Type
        readonly data: Data[Type]
        readonly key?: string
        readonly timestamp?: string
      }
    }[keyof Data & string]
  : never

/**
 * What a watcher gets: for a topic of the configuration its own events, for a filter such as `chat/*` those of the
 * template that it looks like, and for any other filter any event.
 */
export type WatchedEvent<T, Filter extends string> =
  Filter extends TopicOf<T> ? WatchedEventOf<DefinitionOf<T, Filter>> : AnyEventOf<T>

type AnyEventOf<T> = [EphemeralTypeOf<T[keyof T]>] extends [never] ? Event : Event | EphemeralEvent

type WatchedEventOf<Definition> = Definition extends unknown
  ? {
      [Type in keyof DataByType<Definition> & string]: Type extends EphemeralTypeOf<Definition>
        ? EphemeralEvent<Type, DataByType<Definition>[Type]>
        : Event<Type, DataByType<Definition>[Type]>
    }[keyof DataByType<Definition> & string]
  : never

/** The event types of a definition whose events are not stored [WP-9.3]. */
type EphemeralTypeOf<Definition> = Definition extends { readonly events: infer Events }
  ? { [Type in keyof Events]: Events[Type] extends { readonly ephemeral: true } ? Type : never }[keyof Events]
  : never

/** The id of what is published to a topic; `undefined` for events that are not stored. */
export type IdOf<T, Topic extends string> = [EphemeralTypeOf<DefinitionOf<T, Topic>>] extends [never]
  ? string
  : string | undefined

/** Announces that events can't be delivered any more [WP-2.4]; the stream goes on after them. */
export interface GapMessage {
  readonly type: 'gap'
  readonly data: Gap
  readonly timestamp: string
}
