/** Options and arguments that several commands share. */
import { filterFault, topicFault } from '@watchpost/protocol'
import { type Command, InvalidArgumentError } from 'commander'
import { usageFailure } from './failure.ts'

// A server may be configured with lower bounds, and then says so itself.
const BOUNDS = { topicBytesMax: 255, topicSegmentsMax: 64 }

/** A whole number of at least `min`. */
export const wholeNumber =
  (min: number): ((text: string) => number) =>
  (text) => {
    const value = Number(text)
    if (/^\d{1,15}$/.test(text) && value >= min) return value
    throw new InvalidArgumentError(`It must be a whole number from ${min} on.`)
  }

const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text]

/** What of the events to see [WP-3.6]. */
export interface ViewFlags {
  readonly key?: readonly string[]
  readonly type?: readonly string[]
  readonly select?: readonly string[]
}

export const addViewOptions = (command: Command): Command =>
  command
    .option('--key <key>', 'only events with this key; repeat it for several', collect)
    .option('--type <type>', 'only events of this type; repeat it for several', collect)
    .option('--select <pointer>', 'of data, only what this JSON Pointer names, such as /price; repeatable', collect)

/** @throws CliFailure (usage) */
export function topicPath(topic: string): string {
  const fault = topicFault(topic, BOUNDS)
  if (fault !== undefined)
    throw usageFailure(`topic ${JSON.stringify(topic)}: ${fault}; name it as in stocks or chat/lobby`)
  return `/v1/topics/${topic}`
}

/** Where to watch some filters: one by its own path, so that an unknown topic is told of by name. */
export function watchPath(filters: readonly string[]): { readonly path: string; readonly topic: readonly string[] } {
  for (const filter of filters) {
    const fault = filterFault(filter, BOUNDS)
    if (fault !== undefined)
      throw usageFailure(`filter ${JSON.stringify(filter)}: ${fault}; write it as in stocks or 'chat/*'`)
  }
  const [first = '', ...others] = filters
  return others.length === 0 ? { path: `/v1/topics/${first}`, topic: [] } : { path: '/v1/events', topic: filters }
}

/** Text that a command's help shows below its options. */
export const examples = (...lines: readonly string[]): string =>
  ['', 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n')
