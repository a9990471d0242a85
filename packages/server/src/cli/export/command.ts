/** `watchpost export`: writes all events of some topics, and can go on where it was interrupted. */
import { type Command, Option } from 'commander'
import { addClientOptions, type ClientFlags, clientOf } from '../client-options.ts'
import { CliFailure, usageFailure } from '../failure.ts'
import { interruption } from '../interrupt.ts'
import { addViewOptions, examples, type ViewFlags, watchPath } from '../options.ts'
import { pageEventsMax, pages } from '../pages.ts'
import { type Progress, rateOf, showProgress } from '../progress.ts'
import { note, printable } from '../terminal.ts'
import type { Update, WatchRequest } from '../updates.ts'
import { noteGap } from '../watch/print.ts'
import { columnsOf, headerOf, rowsOf } from './columns.ts'
import { type Exported, type Out, toFile, toStdout } from './out.ts'

interface ExportFlags extends ViewFlags, ClientFlags {
  readonly out?: string
  readonly format: 'ndjson' | 'csv'
  readonly after?: string
  readonly columns?: string
  readonly force?: boolean
}

const NOTES = `
CSV has the columns type, topic, id, key, timestamp, and one for each member of data, such as data.symbol. They are those
of the first page of events, unless --columns names others; what has no column is told of at the end. NDJSON loses nothing.
With --out, FILE.watchpost-export remembers how far it came: run the same command again to go on after an interruption.
`

export function addExport(program: Command): void {
  const command = program
    .command('export')
    .description('write the events of some topics, from the earliest until now')
    .argument('<filter...>', "topics, or patterns with * for one segment and ** for any: stocks 'chat/*'")
    .option('--out <file>', 'write to this file instead of stdout')
    .addOption(new Option('--format <name>', 'how to write events').choices(['ndjson', 'csv']).default('ndjson'))
    .option('--columns <names>', 'columns of CSV, separated by commas, such as timestamp,data.price')
    .option('--after <cursor>', 'start after this cursor (the id of an event)')
    .option('--force', 'replace the file, or start it anew')
  addClientOptions(addViewOptions(command))
    .addHelpText(
      'after',
      `${NOTES}${examples(
        'watchpost export stocks --out stocks.ndjson',
        "watchpost export '**' --type priceUpdate --format csv --columns timestamp,data.symbol,data.price > prices.csv",
      )}`,
    )
    .action(exportEvents)
}

async function exportEvents(filters: readonly string[], flags: ExportFlags): Promise<void> {
  const { path, topic } = watchPath(filters)
  const { key = [], type = [], select = [], format, columns } = flags
  if (columns !== undefined && format !== 'csv') throw usageFailure('--columns is for --format csv')
  const client = clientOf(flags)
  const signal = interruption()
  const view = { topic, key, type, select }
  const limit = await pageEventsMax(client, signal)
  const options = [filters, view, format, columns, flags.after]
  const out = flags.out === undefined ? toStdout() : await toFile(flags.out, options, flags.force === true)
  if (out.resumed !== undefined) note(`going on after ${out.resumed.events} events`)
  const request: WatchRequest = {
    client,
    path,
    view,
    after: out.resumed?.cursor ?? flags.after,
    last: undefined,
    signal,
  }
  const progress = flags.out === undefined ? undefined : showProgress('exporting', undefined)
  const writer = new Writer(out, flags, progress)
  const startMs = performance.now()
  try {
    await writer.copy(pages(request, { limit }))
  } catch (error) {
    progress?.stop()
    await out.pause()
    throw flags.out === undefined ? error : resumable(error, writer.events)
  }
  progress?.stop()
  await out.finish()
  writer.noteMissing()
  if (flags.out !== undefined)
    note(`exported ${rateOf(writer.events - (out.resumed?.events ?? 0), startMs)} to ${flags.out}`)
}

/** The error, with how to go on if there is anything to go on with. */
function resumable(error: unknown, events: number): unknown {
  if (!(error instanceof CliFailure) || events === 0) return error
  const hint = `${events} events are written; run the same command again to go on`
  return new CliFailure([error.message, hint].filter((line) => line !== '').join('\n'), error.exitCode)
}

/** Writes updates in the format that was asked for. */
class Writer {
  events: number
  readonly #out: Out
  readonly #isCsv: boolean
  readonly #progress: Progress | undefined
  readonly #missing = new Set<string>()
  #columns: readonly string[] | undefined
  #hasHeader: boolean

  constructor(out: Out, { format, columns }: ExportFlags, progress: Progress | undefined) {
    this.#out = out
    this.#isCsv = format === 'csv'
    this.#progress = progress
    this.events = out.resumed?.events ?? 0
    this.#columns = out.resumed?.columns ?? columns?.split(',').map((name) => name.trim())
    this.#hasHeader = out.resumed?.columns !== undefined
  }

  /** Until there is no more. */
  async copy(updates: AsyncGenerator<Update, never, void>): Promise<void> {
    for await (const update of updates) {
      if (update.gap !== undefined) noteGap(update.gap)
      const text = this.#isCsv ? this.#csv(update) : update.events.map(({ json }) => `${json}\n`).join('')
      this.events += update.events.length
      await this.#out.write(text, this.#exported(update.cursor))
      this.#progress?.update(0, this.events)
      if (update.caughtUp === true) return
    }
  }

  #exported(cursor: string): Exported {
    return { cursor, events: this.events, columns: this.#hasHeader ? this.#columns : undefined }
  }

  #csv({ events }: Update): string {
    if (events.length === 0) return ''
    const plain = events.map(({ event }) => event)
    this.#columns ??= columnsOf(plain)
    const { text, missing } = rowsOf(plain, this.#columns)
    for (const name of missing) this.#missing.add(name)
    const header = this.#hasHeader ? '' : headerOf(this.#columns)
    this.#hasHeader = true
    return `${header}${text}`
  }

  /** Columns that were asked for are all that is wanted; those of the first page may not be. */
  noteMissing(): void {
    if (this.#missing.size === 0) return
    note(
      printable(
        `some events have data without a column: ${[...this.#missing].join(', ')}; name all columns with --columns to have it`,
      ),
    )
  }
}
