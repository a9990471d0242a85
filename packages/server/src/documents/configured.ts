/**
 * What a configuration says beside what the documents of a server do: much of it is not for callers to know, such as what
 * is kept from whom [WP-6.5]. Documents that `watchpost docs` writes have it, so that `watchpost docs diff` can compare it.
 */
import type { Access, OnSlow, TopicDefinition } from '@watchpost/core'
import type { LimitName, Limits } from '@watchpost/protocol'
import type { Making } from './members.ts'

/** The member of a document that has it, in the form of {@link Configured}. */
export const CONFIGURED = 'x-watchpost-configuration'

/** Stands for a function, of which nobody knows what it answers. */
export const FUNCTION = 'function'

/** Limits on what clients send that schemas have no words for: most are in bytes. */
export type SentLimit = Extract<
  LimitName,
  | ('eventBytesMax' | 'eventDepthMax' | 'publishBytesMax')
  | ('messageBytesMax' | 'headerBytesMax' | 'presenceInfoBytesMax')
>

/** A rule of access, as JSON. */
export type AccessTold = Exclude<Access, (...all: never) => unknown> | typeof FUNCTION

/** Of one topic definition. */
export interface ConfiguredTopic {
  readonly watch: AccessTold
  readonly publish: AccessTold
  readonly onSlow: OnSlow
  /** A JSON Pointer below `data`. Absent of a topic that is not keyed. */
  readonly key?: string
  /** JSON Pointers below `data`. Absent if nothing is masked. */
  readonly mask?: readonly string[] | typeof FUNCTION
}

export interface Configured {
  readonly limits: Readonly<Record<SentLimit, number>>
  /** By templates. */
  readonly topics: Readonly<Record<string, ConfiguredTopic>>
}

type Definitions = Readonly<Record<string, TopicDefinition>>

/** The members of a document, and what its readers may know beside it who may know everything. */
export function* withConfigured(document: Making, topics: Definitions, limits: Limits): Making {
  yield* document
  yield [CONFIGURED, configuredOf(topics, limits)]
}

function configuredOf(topics: Definitions, limits: Limits): Configured {
  const { eventBytesMax, eventDepthMax, publishBytesMax, messageBytesMax, headerBytesMax, presenceInfoBytesMax } =
    limits
  return {
    limits: { eventBytesMax, eventDepthMax, publishBytesMax, messageBytesMax, headerBytesMax, presenceInfoBytesMax },
    topics: Object.fromEntries(Object.entries(topics).map(([template, each]) => [template, configuredTopic(each)])),
  }
}

function configuredTopic(definition: TopicDefinition): ConfiguredTopic {
  const { watch = 'granted', publish = 'granted', onSlow = 'all', key, mask = [] } = definition
  return {
    ...{ watch: told(watch), publish: told(publish), onSlow },
    ...(key !== undefined && { key: told(key) }),
    ...(mask.length > 0 || typeof mask === 'function' ? { mask: told(mask) } : {}),
  }
}

const told = <Value>(value: Value): Exclude<Value, (...all: never) => unknown> | typeof FUNCTION =>
  typeof value === 'function' ? FUNCTION : (value as Exclude<Value, (...all: never) => unknown>)
