/**
 * Types of topics, events and data, as they follow from the type of a server's configuration, or from an interface that
 * says the same:
 *
 *     interface Server { topics: { stocks: { keyed: true; data: { priceUpdate: { symbol: string; price: number } } } } }
 *
 * where a definition may have `ephemeral`, the names of its event types that are not stored: `ephemeral: 'typing'`.
 */
import type { EphemeralEvent, Event } from './protocol.ts'

/** What {@link Topics} are taken from: `typeof config`, or an interface with `topics`. */
export interface Described {
  readonly topics: object
}

/** A server of which nothing is known: any topic, any event type, any data. */
export interface Undescribed {
  readonly topics: { readonly [topic: string]: { readonly data: { readonly [type: string]: unknown } } }
}

/** The topics that a template stands for: `chat/{room}` for `chat/${string}`. */
type TopicNames<Template extends string> = Template extends `${infer Before}{${string}}${infer After}`
  ? `${Before}${string}${TopicNames<After>}`
  : Template

type Templates<S extends Described> = keyof S['topics'] & string

/** Every topic of a server. */
export type TopicOf<S extends Described> = TopicNames<Templates<S>>

/** The topic that tells who watches another one, if that is defined with presence [WP-9.4]. */
export type PresenceOf<S extends Described> = `$presence/${TopicOf<S>}`

/** What can be watched: a topic, who watches it, or a filter with `*` or `**` for whole segments. */
export type FilterOf<S extends Described> = TopicOf<S> | PresenceOf<S> | `${string}*${string}`

/** Somebody who is here. What that one tells proves nothing, and need not have the type that you give it. */
export interface Member<Info = unknown> {
  /** RFC 3339. */
  readonly since: string
  readonly connections: number
  readonly info?: Info
}

interface PresenceDefinition {
  readonly keyed: true
  readonly data: { readonly presence: Member }
}

type SegmentMatches<F extends string, T extends string> = F extends '*'
  ? true
  : T extends `{${string}}`
    ? true
    : F extends T
      ? true
      : false

/** Whether a filter can match a topic of a template, segment by segment. After a `**` anything can. */
type Matches<F extends string, T extends string> = string extends F
  ? true
  : F extends '**' | `**/${string}`
    ? true
    : F extends `${infer First}/${infer Rest}`
      ? T extends `${infer Head}/${infer Tail}`
        ? SegmentMatches<First, Head> extends true
          ? Matches<Rest, Tail>
          : false
        : Rest extends '**'
          ? SegmentMatches<First, T>
          : false
      : T extends `${string}/${string}`
        ? false
        : SegmentMatches<F, T>

/** The definitions that a filter can match. */
type DefinitionOf<S extends Described, F extends string> = F extends `$presence/${string}`
  ? PresenceDefinition
  : {
      [T in Templates<S>]: string extends T ? S['topics'][T] : Matches<F, T> extends true ? S['topics'][T] : never
    }[Templates<S>]

/** What a schema library says that goes in: events are kept and sent as they were published. JSON Schema says nothing. */
type DataOfSchema<Schema> = Schema extends { readonly ephemeral: true; readonly schema: infer Marked }
  ? DataOfSchema<Marked>
  : Schema extends { readonly '~standard': { readonly types?: infer Types } }
    ? NonNullable<Types> extends { readonly input: infer Input }
      ? Input
      : unknown
    : unknown

/** The event types of a definition that are not stored [WP-9.3]. */
type EphemeralTypeOf<Definition> = Definition extends { readonly ephemeral: infer Type extends string }
  ? Type
  : Definition extends { readonly events: infer Schemas }
    ? {
        [Type in keyof Schemas & string]: Schemas[Type] extends { readonly ephemeral: true } ? Type : never
      }[keyof Schemas & string]
    : never

/** In a keyed topic, `null` removes the key from the state [WP-9.1]; of what is not stored there is none. */
type Removal<Definition, Type> =
  Type extends EphemeralTypeOf<Definition>
    ? never
    : Definition extends { readonly key: unknown } | { readonly keyed: true }
      ? null
      : never

/** Data by event type, of one definition. */
type DataByType<Definition> = Definition extends { readonly data: infer Data }
  ? { [Type in keyof Data & string]: Data[Type] | Removal<Definition, Type> }
  : Definition extends { readonly events: infer Schemas }
    ? { [Type in keyof Schemas & string]: DataOfSchema<Schemas[Type]> | Removal<Definition, Type> }
    : never

// A type parameter of its own makes each of these distribute over several definitions.
type EventsOf<Definition> = Definition extends unknown
  ? EventsBetween<DataByType<Definition>, EphemeralTypeOf<Definition>>
  : never
type EventsBetween<Data, Ephemeral> = {
  [Type in keyof Data & string]: Type extends Ephemeral ? EphemeralEvent<Type, Data[Type]> : Event<Type, Data[Type]>
}[keyof Data & string]
type NewEventsOf<Data> = Data extends unknown
  ? { [Type in keyof Data & string]: NewEventOf<Type, Data[Type]> }[keyof Data & string]
  : never
interface NewEventOf<Type, Data> {
  readonly type: Type
  readonly data: Data
  readonly key?: string
  /** RFC 3339; the server's time if absent. */
  readonly timestamp?: string
}

/** What can be published to a topic. */
export type NewEvent<S extends Described, Topic extends string> = NewEventsOf<DataByType<DefinitionOf<S, Topic>>>

/** What a `select` may leave of data: any of its members, at any depth. */
export type Selected<Data> = Data extends readonly (infer Item)[]
  ? readonly Selected<Item>[]
  : Data extends object
    ? { readonly [Name in keyof Data]?: Selected<Data[Name]> }
    : unknown extends Data
      ? unknown
      : Data | null

type SelectedEvent<E> =
  E extends Event<infer Type, infer Data>
    ? Event<Type, Selected<Data>>
    : E extends EphemeralEvent<infer Type, infer Data>
      ? EphemeralEvent<Type, Selected<Data>>
      : never

type OneOf<Value> = Value extends readonly (infer Item)[] ? Item : Value

type OfType<E, Type> = string extends Type
  ? E
  : E extends { readonly type: infer Own }
    ? Own extends Type
      ? E
      : string extends Own
        ? E
        : never
    : never

type Narrowed<E, Options> = Options extends { readonly type: infer Types } ? OfType<E, OneOf<Types>> : E

/** What a watch gives: the events that its filter can match, of the types that it asks for. */
export type WatchedEvent<S extends Described, Filter extends string, Options = unknown> =
  true extends MaySelect<Options>
    ? SelectedEvent<Narrowed<EventsOf<DefinitionOf<S, Filter>>, Options>>
    : Narrowed<EventsOf<DefinitionOf<S, Filter>>, Options>

/** Those of a call without any. */
export interface NoOptions {
  readonly select?: never
}

/** Whether options have, or may have, a `select`: `boolean` if some of several do. */
type MaySelect<Options> = Options extends { readonly select?: infer Select }
  ? unknown extends Select
    ? false
    : [Select] extends [undefined]
      ? false
      : true
  : false

/** Of events, those that are in pages and states: what has no `id` is not stored. */
export type Stored<E> = E extends { readonly id?: never } ? never : E

/** The id of what is published to a topic; `undefined` for events that are not stored. */
export type IdOf<S extends Described, Topic extends string> = [EphemeralTypeOf<DefinitionOf<S, Topic>>] extends [never]
  ? string
  : string | undefined

/** The event types that a filter can match. */
export type TypeOf<S extends Described, Filter extends string> = (WatchedEvent<S, Filter> & { type: string })['type']
