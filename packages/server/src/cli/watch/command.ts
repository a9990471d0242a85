/** `watchpost watch`: shows events as they come, by any transport, and can go on where it stopped. */
import { type Command, Option } from 'commander'
import { readText, replaceFile } from '../checkpoint.ts'
import { addClientOptions, type ClientFlags, clientOf } from '../client-options.ts'
import { Interrupted, usageFailure } from '../failure.ts'
import { interruption } from '../interrupt.ts'
import { addViewOptions, examples, type ViewFlags, watchPath, wholeNumber } from '../options.ts'
import { pageEventsMax, pages } from '../pages.ts'
import { write } from '../terminal.ts'
import type { Update, WatchRequest } from '../updates.ts'
import { live } from './live.ts'
import { noteGap, printerFor, type WatchFormat } from './print.ts'
import { sse } from './sse.ts'

const TRANSPORTS = ['page', 'long-poll', 'sse', 'websocket'] as const

interface WatchFlags extends ViewFlags, ClientFlags {
  readonly transport?: (typeof TRANSPORTS)[number]
  readonly after?: string
  readonly last?: number
  readonly format?: WatchFormat
  readonly cursorFile?: string
  readonly limit?: number
  readonly untilNow?: boolean
  readonly presence: boolean
}

const WAIT_SECONDS = 20

const NOTES = `
A page shows what is there, from the earliest event on, and ends. A stream (sse), a websocket and a long poll show what
comes from now on, and connect again by themselves. --after, --last and --cursor-file choose another start, and a cursor
of one transport is as good on any other. A websocket watches one topic or pattern.
When a token ends, a watch with --token-file goes on with the new one that it finds there, and waits for that if need be.
Events that are no longer kept are announced on stderr as a gap.
`

export function addWatch(program: Command): void {
  const command = program
    .command('watch')
    .description('show events as they come')
    .argument('<filter...>', "topics, or patterns with * for one segment and ** for any: stocks 'chat/*'")
    .addOption(new Option('--transport <name>', 'default: sse; with --until-now: page').choices(TRANSPORTS))
    .option('--after <cursor>', 'start after this cursor (the id of an event), or at earliest or latest')
    .option('--last <n>', 'start with the last n events', wholeNumber(0))
    .addOption(
      new Option('--format <name>', 'default: pretty on a terminal, else ndjson').choices(['pretty', 'ndjson']),
    )
    .option(
      '--cursor-file <file>',
      'go on where the last watch with this file stopped; --after and --last count the first time',
    )
    .option('--limit <n>', 'end after n events', wholeNumber(1))
    .option('--until-now', 'end once all that is there was shown; by sse or websocket, at the first bookmark')
    .option('--no-presence', 'watch without being told of to those who watch who is present')
  addClientOptions(addViewOptions(command))
    .addHelpText(
      'after',
      `${NOTES}${examples(
        'watchpost watch stocks --last 10',
        "watchpost watch stocks 'chat/*' --format ndjson --cursor-file seen.cursor | ./handle",
        'watchpost watch stocks --key MSFT --select /price --until-now',
      )}`,
    )
    .action(watch)
}

async function watch(filters: readonly string[], flags: WatchFlags): Promise<void> {
  const { path, topic } = watchPath(filters)
  // Each subscription of a socket stands somewhere else [WP-4.4], and what this command shows and remembers is in one order.
  if (flags.transport === 'websocket' && filters.length > 1) {
    throw usageFailure(
      "--transport websocket: watches one topic or pattern at a time; name one that covers them, such as 'chat/*', or pass --transport sse",
    )
  }
  const { key = [], type = [], select = [], cursorFile } = flags
  const resumed = cursorFile === undefined ? undefined : readText(cursorFile)?.trim()
  const signal = interruption()
  const request: WatchRequest = {
    client: clientOf(flags),
    path,
    view: { topic, key, type, select, ...(!flags.presence && { present: ['false'] }) },
    after: resumed === undefined || resumed === '' ? flags.after : resumed,
    last: flags.last,
    signal,
  }
  const ends = { limit: flags.limit ?? Number.POSITIVE_INFINITY, untilNow: flags.untilNow ?? isPage(flags) }
  await show(await updates(request, flags), ends, flags)
  if (signal.aborted) throw new Interrupted()
}

/** What ends has no use for a stream, unless it is asked for one. */
const isPage = ({ transport, untilNow }: WatchFlags): boolean =>
  transport === 'page' || (transport === undefined && untilNow === true)

async function updates(request: WatchRequest, flags: WatchFlags): Promise<AsyncGenerator<Update, never, void>> {
  if (flags.transport === 'websocket') {
    // Loaded here, so that other commands don't pay for it.
    const { webSocket } = await import('./websocket.ts')
    return live(request, webSocket)
  }
  if (flags.transport !== 'long-poll' && !isPage(flags)) return live(request, sse)
  const limit = await pageEventsMax(request.client, request.signal)
  if (isPage(flags)) return pages(request, { limit })
  return pages(request, { limit, waitSeconds: flags.untilNow === true ? 0 : WAIT_SECONDS })
}

interface Ends {
  readonly limit: number
  readonly untilNow: boolean
}

async function show(news: AsyncGenerator<Update, never, void>, ends: Ends, flags: WatchFlags): Promise<void> {
  const print = printerFor(flags.format ?? (process.stdout.isTTY ? 'pretty' : 'ndjson'))
  let left = ends.limit
  for await (const { events, cursor, gap, caughtUp = false } of news) {
    if (gap !== undefined) noteGap(gap)
    const shown = events.slice(0, left)
    if (shown.length > 0) await write(shown.map(print).join(''))
    left -= shown.length
    // Only what was written counts as seen. An event's id is the cursor just after it.
    const seen = shown.length < events.length ? shown.findLast(({ event }) => event.id !== undefined)?.event.id : cursor
    if (flags.cursorFile !== undefined && seen !== undefined) replaceFile(flags.cursorFile, `${seen}\n`)
    if (left === 0 || (ends.untilNow && caughtUp)) return
  }
}
