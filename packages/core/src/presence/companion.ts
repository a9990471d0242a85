/**
 * The topics that tell who watches others [WP-9.4]: `$presence/chat/lobby` of `chat/lobby`. A definition with `presence`
 * has one beside it, which nobody can publish to, and which is open to who may watch the topic itself.
 */
import { LIMITS } from '@watchpost/protocol'
import type { Topic } from '../definition.ts'
import type { Retention } from '../log.ts'
import type { Registry } from '../registry.ts'
import { compileSchema } from '../schema.ts'

/** The type of the events. */
export const PRESENCE_TYPE = 'presence'

/** What the names of all of them begin with. */
export const PRESENCE_PREFIX = '$presence/'

/** Who is here is a state; of how it came about, only so much is kept of each of them as a short absence needs. */
export const PRESENCE_RETENTION: Retention = { events: 10_000, ageMs: 60_000 }

/** Of the data of an event that tells of somebody. */
const SCHEMA = compileSchema({
  type: 'object',
  description: 'Somebody who watches the topic; null once that one has left [WP-9.4].',
  required: ['since', 'connections'],
  properties: {
    since: { type: 'string', format: 'date-time', description: 'Since when.' },
    connections: { type: 'integer', minimum: 1, description: 'How many connections of that one watch the topic.' },
    info: {
      description: `What was given of oneself, at most ${LIMITS.presenceInfoBytesMax.default} bytes by default.`,
    },
  },
})

/** The topic that tells who watches a topic. */
export const presenceTopic = (topic: string): string => `${PRESENCE_PREFIX}${topic}`

/** The topic, or topic filter, whose watchers a topic or topic filter tells of; `undefined` if it is none of these. */
export const presentAt = (name: string): string | undefined =>
  name.startsWith(PRESENCE_PREFIX) ? name.slice(PRESENCE_PREFIX.length) : undefined

/** Whether a topic is defined by its own name, and not by a template that stands for any number of them. */
export const isNamed = (registry: Pick<Registry, 'resolve'>, topic: string): boolean =>
  registry.resolve(topic)?.topic.template === topic

/** The definition beside that of a template, with what it has of that. */
export const companionOf = (
  template: string,
  { watch, transports }: { readonly watch: Topic['access']['watch']; readonly transports: Topic['transports'] },
): Topic => ({
  template: presenceTopic(template),
  description: `Who watches ${template}.`,
  schemas: new Map([[PRESENCE_TYPE, SCHEMA]]),
  // It is given with each event.
  keyOf: () => undefined,
  retention: PRESENCE_RETENTION,
  access: { watch, publish: () => false },
  transports,
  onSlow: 'latest',
  mask: undefined,
  version: undefined,
  deprecated: undefined,
  presence: undefined,
})
