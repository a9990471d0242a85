/** Collects records into the bodies of publishes. */
import { CliFailure } from '../failure.ts'
import { type EventOptions, eventLine } from './event.ts'
import type { FileRecord } from './record.ts'

/** Far below what a server takes by default, so that one is never refused for the size of a whole batch. */
const BATCH_LENGTH_MAX = 1_048_576

/** A record in a batch. `number` counts from 1. `line` is absent if the record is skipped. */
export interface Entry {
  readonly number: number
  readonly record: FileRecord
  readonly line?: string
}

/** Records that follow each other, at least one. Those without a line are skipped. */
export type Batch = readonly Entry[]

export interface BatchOptions extends EventOptions {
  readonly recordsMax: number
  /** Hears of each record that can't be an event. @throws to stop */
  readonly onFault: (entry: Entry, fault: string) => void
}

export async function* batches(
  records: AsyncIterable<FileRecord>,
  firstNumber: number,
  options: BatchOptions,
): AsyncGenerator<Batch, void, void> {
  let batch: Entry[] = []
  let length = 0
  let number = firstNumber
  for await (const record of records) {
    const entry = toEntry(record, number++, options)
    batch.push(entry)
    length += entry.line?.length ?? 0
    // Batches end at the same records wherever a run begins, so that one that is sent again is the same byte for byte.
    if (entry.number % options.recordsMax !== 0 && length < BATCH_LENGTH_MAX) continue
    yield batch
    batch = []
    length = 0
  }
  if (batch.length > 0) yield batch
}

function toEntry(record: FileRecord, number: number, options: BatchOptions): Entry {
  const made = record.fault === undefined ? eventLine(record.text, options) : { fault: record.fault }
  if ('line' in made) return { number, record, line: made.line }
  options.onFault({ number, record }, made.fault)
  return { number, record }
}

/** Stops an import at a record. */
export const badRecord = ({ number, record }: Entry, fault: string): CliFailure =>
  new CliFailure(
    `record ${number} (${record.place}) ${fault}\nnothing from it on was published; mend it and run the same command again, or pass --skip-invalid`,
  )
