/** The topics that the reader may watch or publish to. */
import { askJson } from './api.ts'
import type { Schema } from './schema.ts'

/** That a topic is to end. */
export interface Ending {
  readonly since: string
  readonly sunset?: string
  readonly use?: string
}

/** A row of `GET /v1/topics` [WP-3.12]. */
export interface TopicRow {
  /** The topic, or a template such as `chat/{room}`. */
  readonly topic: string
  readonly description?: string
  readonly version?: string
  readonly deprecated?: Ending
  readonly watch: boolean
  readonly publish: boolean
  readonly keyed: boolean
  readonly transports: readonly string[]
  /** The schemas of `data`, by event type. */
  readonly events: Readonly<Record<string, Schema>>
}

const ORDER = new Intl.Collator('en', { numeric: true })

/** Loads them, in the order in which people count. @throws Refused */
export async function loadTopics(): Promise<readonly TopicRow[]> {
  const { topics } = (await askJson('/v1/topics')) as { readonly topics: readonly TopicRow[] }
  return topics.toSorted((a, b) => ORDER.compare(a.topic, b.topic))
}

/** Where the page tells of a topic or template. */
export const anchorOf = (topic: string): string => `topic-${topic}`

/** A link to there. */
export const linkTo = (topic: string): string => `#${encodeURIComponent(anchorOf(topic))}`

/** One topic of a template. */
export const topicOf = (template: string): string => template.replaceAll(/\{([^}]*)\}/g, '$1')

/** The definition that a topic is of, if it is one topic and of one that the reader may see. */
export function rowOf(topic: string, rows: readonly TopicRow[]): TopicRow | undefined {
  const exact = rows.find((row) => row.topic === topic)
  if (exact !== undefined || topic.includes('*')) return exact
  const segments = topic.split('/')
  return rows.find((row) => {
    const parts = row.topic.split('/')
    return parts.length === segments.length && parts.every((part, i) => part.startsWith('{') || part === segments[i])
  })
}
