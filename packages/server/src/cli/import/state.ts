/**
 * How far an import came. The checkpoint says which records were acknowledged; the idempotency keys, made of what the
 * import is and where a batch begins, cover what was published and not yet written down when the import died.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { readCheckpoint, removeCheckpoint, writeCheckpoint } from '../checkpoint.ts'
import { CliFailure } from '../failure.ts'
import type { Batch } from './batches.ts'
import type { FileRecord } from './record.ts'

interface Checkpoint {
  /** Names the import in its idempotency keys: of the file as it was at the start, also after a fix. */
  readonly identity: string
  /** Of topic and options; going on with others would mix two imports. */
  readonly options: string
  /** Records that are done with, skipped ones included. */
  readonly records: number
  readonly skipped: number
  readonly replayed: number
  /** Of the texts of those records. */
  readonly digest: string
}

export class ImportState {
  readonly #path: string | undefined
  readonly #options: string
  readonly #resumed: Checkpoint | undefined
  readonly #identity: string
  readonly #hash: Hash = createHash('sha256')
  /** Records that are done with, by this run and those before it. */
  records = 0
  skipped = 0
  /** Records that turned out to be in the log already. */
  replayed = 0
  /** Records that this run published. */
  published = 0

  /** @param path of the checkpoint, if there is to be one */
  constructor(path: string | undefined, identity: string, options: readonly unknown[]) {
    this.#path = path
    this.#options = JSON.stringify(options)
    const found = path === undefined ? undefined : (readCheckpoint(path) as Checkpoint | undefined)
    // With other options and nothing done, it is another import.
    this.#resumed = found?.records === 0 && found.options !== this.#options ? undefined : found
    this.#identity = this.#resumed?.identity ?? identity
    if (this.#resumed !== undefined && this.#resumed.options !== this.#options) {
      throw new CliFailure(
        `${path} is of an import with another topic or other options; repeat those, or remove the file to start anew`,
      )
    }
    this.skipped = this.#resumed?.skipped ?? 0
    this.replayed = this.#resumed?.replayed ?? 0
  }

  /** How many records an earlier run is done with. */
  get resumedAt(): number {
    return this.#resumed?.records ?? 0
  }

  /** The records that are still to do. @throws CliFailure if those that are done have changed since */
  async *rest(records: AsyncIterable<FileRecord>): AsyncGenerator<FileRecord, void, void> {
    for await (const record of records) {
      if (this.records >= this.resumedAt) {
        yield record
        continue
      }
      this.#count(record)
      if (this.records === this.resumedAt) this.#demandSame()
    }
    if (this.records < this.resumedAt) this.#changed()
  }

  /** The same batch of the same import has the same key, whichever run sends it [WP-3.10]. */
  keyOf(batch: Batch): string {
    return createHash('sha256')
      .update(JSON.stringify([this.#identity, this.#options, batch[0]?.number]))
      .digest('base64url')
  }

  /** Writes down that a batch is done. */
  acknowledge(batch: Batch): void {
    for (const { record, line } of batch) {
      this.#count(record)
      if (line === undefined) this.skipped++
      else this.published++
    }
    this.save()
  }

  /** To be called before anything is published, too: a random identity that is forgotten protects from nothing. */
  save(): void {
    if (this.#path === undefined || this.records < this.resumedAt) return
    const { records, skipped, replayed } = this
    const digest = this.#hash.copy().digest('base64url')
    writeCheckpoint(this.#path, {
      identity: this.#identity,
      options: this.#options,
      records,
      skipped,
      replayed,
      digest,
    })
  }

  finish(): void {
    if (this.#path !== undefined) removeCheckpoint(this.#path)
  }

  #count({ text }: FileRecord): void {
    this.records++
    this.#hash.update(text).update('\n')
  }

  #demandSame(): void {
    if (this.#hash.copy().digest('base64url') !== this.#resumed?.digest) this.#changed()
  }

  #changed(): never {
    throw new CliFailure(
      `the first ${this.resumedAt} records were imported before, and have changed since; restore them, or remove ${this.#path} to import the file from its start`,
    )
  }
}

/** Names a file as it is now. `again` makes it another one, and so does any change of it. */
export function identityOf(file: string, again: boolean): string {
  if (file === '-') return randomUUID()
  const { size, mtimeMs } = statSync(file)
  return JSON.stringify([resolve(file), size, mtimeMs, again ? randomUUID() : ''])
}
