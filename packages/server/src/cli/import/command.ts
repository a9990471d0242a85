/** `watchpost import`: publishes the records of a file in their order, once, also if it is interrupted in between. */
import { statSync } from 'node:fs'
import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import { addClientOptions, type ClientFlags, clientOf } from '../client-options.ts'
import { CliFailure, Interrupted, usageFailure } from '../failure.ts'
import { interruption } from '../interrupt.ts'
import { examples, topicPath, wholeNumber } from '../options.ts'
import { rateOf, showProgress } from '../progress.ts'
import { Unreachable } from '../remote-failure.ts'
import { note, printable } from '../terminal.ts'
import { type Batch, badRecord, batches, type Entry } from './batches.ts'
import type { CsvTypes } from './csv.ts'
import { type EventOptions, pointerTokens } from './event.ts'
import { type ImportFormat, readRecords } from './records.ts'
import { type Destination, send } from './send.ts'
import { ImportState, identityOf } from './state.ts'

interface ImportFlags extends ClientFlags {
  readonly format?: ImportFormat
  readonly type?: string
  readonly key?: string
  readonly timestamp?: string
  readonly batch: number
  readonly csvTypes: CsvTypes
  readonly skipInvalid?: boolean
  readonly state?: string
  readonly again?: boolean
}

const FORMATS: readonly ImportFormat[] = ['ndjson', 'csv', 'json']

const NOTES = `
With --type, each record is the data of an event of that type. Without it, each record is an event as \`watchpost export\`
writes it; its id and topic are dropped. A .json file is one array of records; any other name needs --format.
CSV: the first line names the columns. In events, data.symbol is a member of data. By auto, a cell is a number or boolean
if it reads exactly like one, and an empty cell is left out.
Records are published in the order of the file, a batch at a time, each batch all or none. FILE.watchpost-import
remembers how far it came: run the same command again to go on, after Ctrl-C, a crash, or mending a bad record.
The same file is not published twice within 24 hours, unless it changed or you pass --again.
`

export function addImport(program: Command): void {
  const command = program
    .command('import')
    .description('publish the records of a file')
    .argument('<topic>', 'such as stocks or chat/lobby')
    .argument('<file>', 'or - for stdin')
    .addOption(new Option('--format <name>', "default: by the file's name").choices(FORMATS))
    .option('--type <type>', 'make each record the data of an event of this type')
    .option('--key <pointer>', "where in the record the event's key is, such as /symbol; needs --type")
    .option('--timestamp <pointer>', "where in the record the event's timestamp is, such as /at; needs --type")
    .option('--batch <n>', 'records of one publish', wholeNumber(1), 1_000)
    .addOption(new Option('--csv-types <how>', 'what cells become').choices(['auto', 'string']).default('auto'))
    .option('--skip-invalid', 'pass over records that are refused, and count them')
    .option('--state <file>', 'remember here how far it came')
    .option('--again', 'publish a file once more that was imported within 24 hours')
  addClientOptions(command)
    .addHelpText(
      'after',
      `${NOTES}${examples(
        'watchpost import stocks prices.csv --type priceUpdate --key /symbol --timestamp /at',
        'watchpost import stocks events.ndjson',
        'gunzip -c old.ndjson.gz | watchpost import stocks - --format ndjson --skip-invalid',
      )}`,
    )
    .action(importFile)
}

async function importFile(topic: string, file: string, flags: ImportFlags): Promise<void> {
  const path = topicPath(topic)
  const client = clientOf(flags)
  const format = flags.format ?? formatOf(file)
  const event = eventOptions(flags)
  const identity = identityOf(file, flags.again === true)
  const statePath = flags.state ?? (file === '-' ? undefined : `${file}.watchpost-import`)
  const state = new ImportState(statePath, identity, [
    topic,
    format,
    flags.type,
    flags.key,
    flags.timestamp,
    flags.csvTypes,
  ])
  if (state.resumedAt > 0) note(`going on after record ${state.resumedAt}`)
  const startMs = performance.now()
  const signal = interruption(() => note('finishing the batch that is under way; press Ctrl-C again to end at once'))
  const progress = showProgress('importing', file === '-' ? undefined : statSync(file).size)
  let bytes = 0
  const onBytes = (read: number): void => {
    bytes = read
  }
  const onFault = (entry: Entry, fault: string): void => {
    if (flags.skipInvalid !== true) throw badRecord(entry, fault)
    note(printable(`skipped record ${entry.number} (${entry.record.place}): ${fault}`))
  }
  const source = { file, format, csvTypes: flags.csvTypes, rowsAreEvents: flags.type === undefined, onBytes, signal }
  const records = state.rest(readRecords(source))
  const collected = batches(records, state.resumedAt + 1, { ...event, recordsMax: flags.batch, onFault })
  const destination = { client, path, state, signal, onFault }
  try {
    await sendAll(collected, destination, () => progress.update(bytes, state.records - state.skipped))
  } catch (error) {
    progress.stop()
    // What was refused whole leaves nothing to remember.
    if (state.records === 0 && !(error instanceof Unreachable && !error.refused)) state.finish()
    throw explained(error, file, state)
  }
  progress.stop()
  state.finish()
  summarize(state, startMs)
}

/** The next batch is read while one is under way, and sent when that is done. */
async function sendAll(collected: AsyncIterable<Batch>, to: Destination, onSent: () => void): Promise<void> {
  let underWay: Promise<void> = Promise.resolve()
  try {
    for await (const batch of collected) {
      await underWay
      if (to.signal.aborted) break
      to.state.save()
      underWay = send(batch, to).then(onSent)
      // Its failure is met where it is awaited, which may be a little later.
      underWay.catch(() => undefined)
    }
  } catch (error) {
    if (!to.signal.aborted) throw error
  } finally {
    // Also when the file ends in a bad record: what is under way counts, and its own failure comes first.
    await underWay
  }
  if (to.signal.aborted) throw new Interrupted()
}

function formatOf(file: string): ImportFormat {
  const extension = extname(file).slice(1).toLowerCase()
  const format = FORMATS.find((name) => name === (extension === 'jsonl' ? 'ndjson' : extension))
  if (format === undefined) throw usageFailure(`--format is needed for ${file}: ndjson, csv or json`)
  return format
}

function eventOptions({ type, key, timestamp }: ImportFlags): EventOptions {
  if (type === undefined && (key !== undefined || timestamp !== undefined)) {
    throw usageFailure('--key and --timestamp need --type; without it, each record is an event that has its own')
  }
  return { type, key: pointer('--key', key), timestamp: pointer('--timestamp', timestamp) }
}

function pointer(option: string, text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined
  const tokens = pointerTokens(text)
  if (tokens === undefined)
    throw usageFailure(`${option} ${text}: must be a JSON Pointer into the record, such as /symbol`)
  return tokens
}

function explained(error: unknown, file: string, { records, resumedAt }: ImportState): unknown {
  const done = `${Math.max(records, resumedAt)} records are done; run the same command again to go on`
  if (error instanceof Interrupted) return new Interrupted(done)
  if (!(error instanceof CliFailure)) return error
  return new CliFailure(`${file === '-' ? 'stdin' : file}: ${error.message}\n${done}`, error.exitCode)
}

function summarize({ records, published, skipped, replayed, resumedAt }: ImportState, startMs: number): void {
  const parts = [`imported ${rateOf(published, startMs)}`]
  if (resumedAt > 0) parts.push(`${records - skipped} with those of earlier runs`)
  if (skipped > 0) parts.push(`${skipped} skipped`)
  if (replayed > 0) parts.push(`${replayed} of them were in the log already; pass --again to publish them once more`)
  process.stdout.write(`${parts.join('; ')}\n`)
}
