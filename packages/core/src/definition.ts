/** Topic definitions [WP-6.2]: what a topic's events look like, who may use it, and how. */
import {
  isTypeName,
  type Json,
  LIMITS,
  limitsWith,
  RESERVED_TYPES,
  type TopicBounds,
  templateFault,
} from '@watchpost/protocol'
import type { Access, Mask } from './access.ts'
import { DefinitionError } from './definition-error.ts'
import { compileDeprecation, type Deprecation } from './deprecation.ts'
import type { Retention } from './log.ts'
import { demandPointer } from './mask.ts'
import { parsePointer, valueAt } from './pointer.ts'
import { companionOf } from './presence/companion.ts'
import { type CompiledSchema, compileSchema, type DataOf, type EventSchema } from './schema.ts'

/** The ways to watch a topic that a definition can offer. */
export const TRANSPORTS = ['page', 'long-poll', 'sse', 'websocket'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** All that a slow client missed, at its own pace; or of each key only the newest event [WP-8.2]. */
export const ON_SLOW = ['all', 'latest'] as const
export type OnSlow = (typeof ON_SLOW)[number]

/** Schemas of `data` by event type. */
export interface EventSchemas {
  readonly [type: string]: EventSchema
}

/** What a key is made from. */
export interface KeySource<Events extends EventSchemas> {
  readonly type: keyof Events & string
  readonly data: DataOf<Events[keyof Events]>
}

export interface TopicDefinition<Events extends EventSchemas = EventSchemas> {
  /** For the documents, which have it as it is: CommonMark. `/docs` shows markup in it as text. */
  readonly description?: string
  readonly events: Events
  /** Makes the topic keyed: a JSON Pointer below `data`, or a function. Its state is the latest event per key. */
  readonly key?: string | ((event: never) => string)
  readonly retention?: Retention
  /** Whether there is a topic `$presence/…` beside it that tells who watches it [WP-9.4]. Absent means no. */
  readonly presence?: boolean
  /** Absent means `'granted'`. */
  readonly watch?: Access
  /** Absent means `'granted'`. Publishing from the server's own process is always allowed. */
  readonly publish?: Access
  /** Absent means all. */
  readonly transports?: readonly Transport[]
  /** What of `data` an identity may not see, as JSON Pointers below it; also as a function of the identity. */
  readonly mask?: Mask
  /** Of a keyed topic: what a client that is too slow is sent of what it fell behind by. Absent means `'all'`. */
  readonly onSlow?: OnSlow
  /** A version of this topic's events, such as `2.1.0`. Shown in the documents; changes nothing. */
  readonly version?: string
  /** Tells whoever uses the topic that it is to end. It works as before, also after `sunset`. */
  readonly deprecated?: Deprecation
}

/** A definition as it is written: its key function is given the definition's own events. */
export interface TypedTopicDefinition<Events extends EventSchemas> extends TopicDefinition<Events> {
  readonly key?: string | ((event: KeySource<Events>) => string)
}

/** A definition with a key, so that events may also have `null` for data, which removes theirs from the state. */
export interface KeyedTopicDefinition<Events extends EventSchemas> extends TopicDefinition<Events> {
  readonly key: string | ((event: never) => string)
}

/** Defines a topic; gives `data` and `key` their types, and is otherwise the identity. */
export function topic<const Events extends EventSchemas>(
  definition: TypedTopicDefinition<Events> & { readonly key: string | ((event: KeySource<Events>) => string) },
): KeyedTopicDefinition<Events>
export function topic<const Events extends EventSchemas>(
  definition: TypedTopicDefinition<Events>,
): TopicDefinition<Events>
export function topic(definition: TopicDefinition): TopicDefinition {
  return definition
}

/** A definition that was checked and made ready. */
export interface Topic {
  readonly template: string
  readonly description: string | undefined
  readonly schemas: ReadonlyMap<string, CompiledSchema>
  /** Present if the topic is keyed: the key of an event, or `undefined` if its data gives none. */
  readonly keyOf: ((type: string, data: Json) => string | undefined) | undefined
  readonly retention: Retention
  readonly access: { readonly watch: Access; readonly publish: Access }
  readonly transports: ReadonlySet<Transport>
  readonly onSlow: OnSlow
  readonly mask: Mask | undefined
  readonly version: string | undefined
  /** Times are in the form of the wire. */
  readonly deprecated: Deprecation | undefined
  /** The topics that tell who watches those of this definition. */
  readonly presence: Topic | undefined
}

/** The topic filter that matches every topic of a template. */
export const filterOf = (template: string): string => template.replaceAll(/\{[^/]*\}/g, '*')

/** @throws DefinitionError */
export function compileTopic(
  template: string,
  definition: TopicDefinition,
  defaults: { readonly retention?: Retention | undefined; readonly bounds?: TopicBounds } = {},
): Topic {
  const { bounds = limitsWith() } = defaults
  const fault = templateFault(template, bounds)
  if (fault !== undefined) throw new DefinitionError(`topic "${template}": ${fault}`)
  for (const rule of ['watch', 'publish', 'mask'] as const) {
    if (!isAsync(definition[rule])) continue
    throw new DefinitionError(`topic "${template}": \`${rule}\` is async; a rule must answer at once`)
  }
  if (definition.onSlow === 'latest' && definition.key === undefined) {
    throw new DefinitionError(`topic "${template}": \`onSlow: 'latest'\` needs a \`key\`, or there is no latest of one`)
  }
  const transports: ReadonlySet<Transport> = new Set(definition.transports ?? TRANSPORTS)
  const watch = definition.watch ?? 'granted'
  return {
    template,
    description: definition.description,
    schemas: compileSchemas(template, definition.events),
    keyOf: definition.key === undefined ? undefined : compileKey(template, definition.key),
    retention: definition.retention ?? defaults.retention ?? {},
    access: { watch, publish: definition.publish ?? 'granted' },
    transports,
    onSlow: definition.onSlow ?? 'all',
    mask: compileMask(template, definition),
    version: definition.version,
    deprecated: definition.deprecated && compileDeprecation(template, definition.deprecated, bounds),
    presence: definition.presence === true ? companionOf(template, { watch, transports }) : undefined,
  }
}

function compileMask(template: string, { mask, key }: TopicDefinition): Mask | undefined {
  if (mask === undefined || typeof mask === 'function') return mask
  for (const pointer of mask) {
    try {
      demandPointer(pointer)
    } catch (error) {
      throw new DefinitionError(`topic "${template}": \`mask\`: ${(error as Error).message}`)
    }
    // The key of an event stands beside its data, and views are filtered by it.
    if (typeof key === 'string' && `${key}/`.startsWith(`${pointer}/`)) {
      throw new DefinitionError(
        `topic "${template}": \`mask\` hides ${key}, which is the key and shown with each event`,
      )
    }
  }
  return mask
}

const isAsync = (rule: unknown): boolean => typeof rule === 'function' && rule.constructor.name === 'AsyncFunction'

function compileSchemas(template: string, events: EventSchemas): ReadonlyMap<string, CompiledSchema> {
  const schemas = new Map<string, CompiledSchema>()
  for (const [type, schema] of Object.entries(events)) {
    const place = `topic "${template}", event type "${type}"`
    if (RESERVED_TYPES.has(type)) {
      throw new DefinitionError(`${place}: the type is reserved for control messages; choose another name`)
    }
    if (!isTypeName(type) || type.length > LIMITS.typeBytesMax.default) {
      throw new DefinitionError(
        `${place}: a type begins with a letter or digit and holds letters, digits and . _ : / -`,
      )
    }
    schemas.set(type, compileAt(place, schema))
  }
  if (schemas.size === 0) throw new DefinitionError(`topic "${template}": \`events\` needs at least one event type`)
  return schemas
}

function compileAt(place: string, schema: EventSchema): CompiledSchema {
  try {
    return compileSchema(schema)
  } catch (error) {
    throw new DefinitionError(`${place}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function compileKey(template: string, key: NonNullable<TopicDefinition['key']>): NonNullable<Topic['keyOf']> {
  // It is called only with events that its own definition's schemas let pass.
  if (typeof key === 'function') return (type, data) => asKey(key({ type, data } as never))
  const tokens = parsePointer(key)
  if (tokens === undefined || tokens.length === 0) {
    throw new DefinitionError(`topic "${template}": \`key\` must be a JSON Pointer below data, such as "/symbol"`)
  }
  return (_type, data) => asKey(valueAt(data, tokens))
}

/** Numbers are keys as well as strings, since identifiers often are numbers. */
function asKey(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : undefined
}
