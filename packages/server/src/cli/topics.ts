/** `watchpost topics`: what a server offers. */
import type { Command } from 'commander'
import { addClientOptions, type ClientFlags, clientOf } from './client-options.ts'
import { interruption } from './interrupt.ts'
import { examples } from './options.ts'
import { painter, printable, write } from './terminal.ts'

/** As a server lists it [WP-3.12]. */
interface ListedTopic {
  readonly topic: string
  readonly description?: string
  readonly watch: boolean
  readonly publish: boolean
  readonly keyed: boolean
  readonly transports: readonly string[]
  readonly events: Readonly<Record<string, unknown>>
  /** Of a topic that is to end. */
  readonly deprecated?: { readonly sunset?: string; readonly use?: string }
}

export function addTopics(program: Command): void {
  const command = program
    .command('topics')
    .description('list the topics that you may watch or publish to')
    .option('--json', 'as the server answers, with schemas and limits')
  addClientOptions(command)
    .addHelpText('after', examples('watchpost topics', 'watchpost topics --json --url https://live.example.com'))
    .action(listTopics)
}

async function listTopics({ json = false, ...flags }: ClientFlags & { readonly json?: boolean }): Promise<void> {
  const answer = await clientOf(flags).json<{ readonly topics: readonly ListedTopic[] }>('/v1/topics', {
    signal: interruption(),
  })
  if (json) return write(`${JSON.stringify(answer, null, 2)}\n`)
  await write(table(answer.topics))
}

/** `deprecated until 2027-05-01, use stocks`, or nothing. */
function endingOf({ deprecated }: ListedTopic): string {
  if (deprecated === undefined) return ''
  const { sunset, use } = deprecated
  return ['deprecated', sunset && ` until ${sunset.slice(0, 10)}`, use && `, use ${use}`].filter(Boolean).join('')
}

function table(topics: readonly ListedTopic[]): string {
  const rows = topics.map((topic) => [
    topic.topic,
    [topic.watch ? 'watch' : '', topic.publish ? 'publish' : ''].filter((word) => word !== '').join(', '),
    topic.keyed ? 'keyed' : '',
    topic.transports.join(', '),
    Object.keys(topic.events).join(', '),
    [endingOf(topic), topic.description ?? ''].filter((text) => text !== '').join('. '),
  ])
  const head = ['TOPIC', 'YOU MAY', 'STATE', 'TRANSPORTS', 'EVENTS', 'DESCRIPTION']
  const widths = head.map((_title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]): string =>
    printable(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).trimEnd()
  const paint = painter(process.stdout)
  return [paint('bold', line(head)), ...rows.map(line)].map((text) => `${text}\n`).join('')
}
