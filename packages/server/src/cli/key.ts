/** `watchpost key`: an API key for a program, and what the configuration needs to know of it. */
import { normalizeTimestamp } from '@watchpost/protocol'
import { type Command, InvalidArgumentError } from 'commander'
import { isScope } from '../auth/identity.ts'
import { addGrantOptions, type GrantFlags, grantsOfFlags } from './grant-options.ts'
import { examples } from './options.ts'
import { note, write } from './terminal.ts'

interface KeyFlags extends GrantFlags {
  readonly scope?: readonly string[]
  readonly notAfter?: string
  readonly json?: true
}

export function addKey(program: Command): void {
  addGrantOptions(program.command('key').description('make an API key, and the entry for auth.apiKeys that knows it'))
    .option('--scope <words>', 'scopes, with spaces between', scopes)
    .option('--not-after <time>', 'the key ends then, such as 2027-01-31T00:00:00Z', time)
    .option('--json', 'as one JSON object with key and entry')
    .addHelpText(
      'after',
      `
The key is shown once. The configuration gets its hash, which is of no use to who reads it. To change a key, add the
entry of a new one beside the old, and remove the old when nobody uses it any more.
${examples('watchpost key --subject feed --publish stocks', "watchpost key --subject ops --watch '**' --admin")}`,
    )
    .action(makeKey)
}

function scopes(text: string): readonly string[] {
  const words = text.split(' ').filter((word) => word !== '')
  if (words.length > 0 && words.every(isScope)) return words
  throw new InvalidArgumentError("It must be words with spaces between, such as 'prices orders'.")
}

function time(text: string): string {
  const normal = normalizeTimestamp(text)
  if (normal !== undefined) return normal
  throw new InvalidArgumentError('It must be a time such as 2027-01-31T00:00:00Z.')
}

async function makeKey({ notAfter, json, scope, ...flags }: KeyFlags): Promise<void> {
  const { newApiKey } = await import('../auth/api-keys.ts')
  const made = newApiKey(flags.subject, { grants: grantsOfFlags(flags), ...(scope && { scopes: scope }) })
  const entry = { ...made.entry, ...(notAfter !== undefined && { notAfter }) }
  if (json) return write(`${JSON.stringify({ key: made.key, entry }, null, 2)}\n`)
  note('The key, which is not shown again; send it as Authorization: Bearer <key>:')
  await write(`${made.key}\n`)
  note('An entry for auth.apiKeys in the configuration:')
  await write(`${JSON.stringify(entry, null, 2)}\n`)
}
