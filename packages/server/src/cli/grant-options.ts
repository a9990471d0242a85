/** What `watchpost token` and `watchpost key` grant, and to whom. */
import { filterFault } from '@watchpost/protocol'
import { type Command, InvalidArgumentError } from 'commander'

const BOUNDS = { topicBytesMax: 255, topicSegmentsMax: 64 }

/** Flags as the command line gives them. */
export interface GrantFlags {
  readonly subject: string
  readonly watch?: readonly string[]
  readonly publish?: readonly string[]
  readonly admin?: true
}

const collectFilter = (filter: string, before: readonly string[] = []): readonly string[] => {
  const fault = filterFault(filter, BOUNDS)
  if (fault !== undefined) throw new InvalidArgumentError(`${fault}; write it as in stocks or 'chat/*'`)
  return [...before, filter]
}

function subject(text: string): string {
  if (text !== '' && Buffer.byteLength(text) <= 255) return text
  throw new InvalidArgumentError('It must have 1 to 255 bytes.')
}

export const addGrantOptions = (command: Command): Command =>
  command
    .requiredOption('--subject <name>', 'who will have it', subject)
    .option('--watch <filter>', 'may watch these topics, where their access is "granted"; repeatable', collectFilter)
    .option(
      '--publish <filter>',
      'may publish to these topics, where their access is "granted"; repeatable',
      collectFilter,
    )
    .option('--admin', 'may use the routes for operators')

/** Without what was not asked for. */
export const grantsOfFlags = ({
  watch,
  publish,
  admin,
}: GrantFlags): { watch?: readonly string[]; publish?: readonly string[]; admin?: true } => ({
  ...(watch && { watch }),
  ...(publish && { publish }),
  ...(admin && { admin }),
})
