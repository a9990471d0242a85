/** What `watchpost types` does: reads the topics, and writes their declaration. */
import { Registry, SERVER } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { loadConfig } from '../../config/load.ts'
import { topicsFor } from '../../documents/documented.ts'
import { type ClientFlags, clientOf } from '../client-options.ts'
import { setAside } from '../docs/set-aside.ts'
import { CliFailure, usageFailure } from '../failure.ts'
import { interruption } from '../interrupt.ts'
import { demandOut, writeOut } from '../outcome.ts'
import { note } from '../terminal.ts'
import { type DeclaredTopic, declarationOf } from './declaration.ts'

export interface TypesFlags extends ClientFlags {
  readonly config?: string
  readonly name: string
  readonly out?: string
}

/**
 * Writes the types of a server, or of a configuration. What was in the file stays if that fails.
 * @throws CliFailure for wrong flags (usage), an answer that is none, and a file that can't be written; what the server, or
 * the configuration, is at fault with
 */
export async function makeTypes({ config, name, out, ...flags }: TypesFlags): Promise<void> {
  // No word of the language begins with a capital letter.
  if (!/^[A-Z]\w*$/.test(name)) {
    throw usageFailure(`--name ${name}: must be a name with a capital letter at its beginning, such as Server`)
  }
  demandOut(out)
  const text = declarationOf(config === undefined ? await served(flags) : await defined(config), name)
  await writeOut(out, text)
}

/** Those that the caller may watch or publish to [WP-3.12]. */
async function served(flags: ClientFlags): Promise<readonly DeclaredTopic[]> {
  const client = clientOf(flags)
  const answer = await client.json<{ readonly topics?: unknown } | null>('/v1/topics', { signal: interruption() })
  const topics = answer?.topics
  if (!Array.isArray(topics) || !topics.every(isDeclared)) {
    throw new CliFailure(`${client.base} does not answer as a Watchpost server does; check --url`)
  }
  if (topics.length === 0) {
    note(
      `${client.base} has no topic that you may watch or publish to; send a token with WATCHPOST_TOKEN or --token-file`,
    )
  }
  return topics
}

const isDeclared = (value: unknown): value is DeclaredTopic => {
  const { topic, events } = (value ?? {}) as Partial<DeclaredTopic>
  return typeof topic === 'string' && typeof events === 'object' && events !== null
}

async function defined(file: string): Promise<readonly DeclaredTopic[]> {
  const place = { cwd: process.cwd(), file, env: process.env, flags: {} }
  // What vouches for clients says nothing of topics, and may name what is not here.
  const { config } = await loadConfig({ ...place, part: (value) => setAside(value).rest })
  const limits = limitsWith(config.limits)
  const registry = new Registry(config.topics, { retention: config.retention, limits })
  return topicsFor(registry, SERVER).map(({ topic: { template, description, keyOf, schemas }, lifecycle }) => ({
    ...{ topic: template, description, keyed: keyOf !== undefined, deprecated: lifecycle },
    events: Object.fromEntries([...schemas].map(([type, { json }]) => [type, json])),
    ephemeral: [...schemas].flatMap(([type, { ephemeral }]) => (ephemeral ? [type] : [])),
  }))
}
