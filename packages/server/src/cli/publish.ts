/** `watchpost publish`: one event from the command line, or several from a file, all or none. */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { text as readStream } from 'node:stream/consumers'
import type { Command } from 'commander'
import { retrying } from './client.ts'
import { addClientOptions, type ClientFlags, clientOf } from './client-options.ts'
import { CliFailure, usageFailure } from './failure.ts'
import { interruption } from './interrupt.ts'
import { examples, topicPath } from './options.ts'
import { write } from './terminal.ts'

interface PublishFlags extends ClientFlags {
  readonly type?: string
  readonly key?: string
  readonly timestamp?: string
  readonly file?: string
  readonly idempotencyKey?: string
}

const FAILURES_MAX = 4

export function addPublish(program: Command): void {
  const command = program
    .command('publish')
    .description('publish an event, or the events of a file as one, and print their ids')
    .argument('<topic>', 'such as stocks or chat/lobby')
    .argument('[data]', 'JSON; default: null')
    .option('--type <type>', "the event's type; with --file, each line is the data of an event of this type")
    .option('--key <key>', "the event's key")
    .option('--timestamp <time>', 'RFC 3339; default: the time of the server')
    .option('--file <file>', 'publish the events of this NDJSON file, one per line, all or none; - is stdin')
    .option('--idempotency-key <key>', 'publish once, however often this is run within 24 hours')
  addClientOptions(command)
    .addHelpText(
      'after',
      examples(
        `watchpost publish stocks --type priceUpdate '{"symbol":"MSFT","price":39.81}'`,
        `watchpost publish stocks --type priceUpdate --key MSFT null    (removes MSFT from the state)`,
        `echo '{"type":"message","data":{"text":"hi"}}' | watchpost publish chat/lobby --file -`,
        'For large files see: watchpost import --help',
      ),
    )
    .action(publish)
}

async function publish(topic: string, data: string | undefined, flags: PublishFlags): Promise<void> {
  const path = topicPath(topic)
  const client = clientOf(flags)
  const isFile = flags.file !== undefined
  const body = isFile ? await fileBody(data, flags) : eventBody(data, flags)
  const headers = {
    'content-type': isFile ? 'application/x-ndjson' : 'application/json',
    // With a key of its own, a publish whose answer was lost can be repeated without harm [WP-3.10].
    'idempotency-key': flags.idempotencyKey ?? randomUUID(),
  }
  const signal = interruption()
  const { events } = await retrying(
    () => client.json<{ readonly events: readonly { readonly id?: string }[] }>(path, { body, headers, signal }),
    { signal, failuresMax: FAILURES_MAX, answered: false },
  )
  // A line for each, in order; an event that is not stored has no id.
  await write(events.map(({ id = '-' }) => `${id}\n`).join(''))
}

function eventBody(data: string | undefined, { type, key, timestamp }: PublishFlags): string {
  if (type === undefined) throw usageFailure('--type is needed: the type of the event, as the topic defines it')
  return JSON.stringify({ type, key, timestamp, data: parseData(data ?? 'null') })
}

function parseData(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw usageFailure(`data must be JSON, not ${text}; a text is written '"like this"', an object '{"like":"this"}'`)
  }
}

async function fileBody(data: string | undefined, { file = '-', type, key, timestamp }: PublishFlags): Promise<string> {
  if (data !== undefined) throw usageFailure('data comes from --file or from the command line, not from both')
  if (key !== undefined || timestamp !== undefined) {
    throw usageFailure('--key and --timestamp are for one event; in a file, each line has its own')
  }
  const text = file === '-' ? await readStream(process.stdin) : await readFile(file, 'utf8')
  if (type === undefined) return text
  const lines = text.split('\n').map((line, index) => ({ line, number: index + 1 }))
  return lines
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, number }) => `${JSON.stringify({ type, data: parseLine(line, `${file}:${number}`) })}\n`)
    .join('')
}

function parseLine(line: string, place: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw new CliFailure(`${place}: is not JSON: ${(error as Error).message}; nothing was published`)
  }
}
