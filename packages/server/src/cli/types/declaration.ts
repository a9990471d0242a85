/** The declaration that `@watchpost/client` takes a server's types from. */
import { printable } from '../terminal.ts'
import { docstring } from './docstring.ts'
import { docstringOf, indented, memberName, schemaType } from './schema-type.ts'

/** A topic definition, as far as it is declared. */
export interface DeclaredTopic {
  readonly topic: string
  readonly description?: string | undefined
  readonly keyed: boolean
  /** The JSON Schema of `data` by event type. */
  readonly events: Readonly<Record<string, unknown>>
  /** Of those, which are not stored. */
  readonly ephemeral?: readonly string[]
  readonly deprecated?: { readonly since: string; readonly sunset?: string; readonly use?: string } | undefined
}

/** The topics that tell who watches others [WP-9.4], which a client knows by itself. */
const PRESENCE = '$presence/'

/** A module that exports one interface. */
export function declarationOf(topics: readonly DeclaredTopic[], name: string): string {
  const watched = new Set(topics.map(({ topic }) => topic))
  const members = topics
    .filter(({ topic }) => !topic.startsWith(PRESENCE))
    .map((topic) => topicLines(topic, watched.has(`${PRESENCE}${topic.topic}`)))
  // What could steer a terminal, or show text in another order than it has, is written as escapes.
  return printable(`/** Made by \`watchpost types\`: what \`createClient<${name}>\` of @watchpost/client knows of the topics. */
export interface ${name} {
  readonly topics: {
${indented(indented(members.join('')))}  }
}
`)
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')
}

function topicLines(declared: DeclaredTopic, hasPresence: boolean): string {
  const { topic, description, keyed, events, ephemeral = [] } = declared
  const lines = [...(description === undefined ? [] : [description]), ...(hasPresence ? ['It has presence.'] : [])]
  const types = Object.entries(events).map(([type, schema]) => typeLines(type, schema))
  const members = [
    keyed ? 'readonly keyed: true\n' : '',
    ephemeral.length > 0 ? `readonly ephemeral: ${ephemeral.map((type) => JSON.stringify(type)).join(' | ')}\n` : '',
    `readonly data: {\n${indented(types.join(''))}}\n`,
  ]
  return `${docstring(lines.join('\n\n'), ending(declared))}readonly ${memberName(topic)}: {\n${indented(members.join(''))}}\n`
}

function typeLines(name: string, schema: unknown): string {
  const { type, lacks } = schemaType(schema)
  const more = lacks.length === 0 ? [] : [`Types can't say of its schema: ${lacks.join(', ')}.`]
  return `${docstringOf(schema, more)}readonly ${memberName(name)}: ${type}\n`
}

/** That a topic is to end [WP-6.8]. */
function ending({ deprecated }: DeclaredTopic): readonly string[] {
  if (deprecated === undefined) return []
  const { since, sunset, use } = deprecated
  const until = sunset === undefined ? '' : `, gone after ${sunset.slice(0, 10)}`
  return [
    `@deprecated since ${since.slice(0, 10)}${until}${use === undefined ? '' : `; use ${use}`}`.replaceAll(/\s+/g, ' '),
  ]
}
