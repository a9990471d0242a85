/** Where an export goes: stdout, or a file with a checkpoint beside it that knows how much of it is good. */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { readCheckpoint, removeCheckpoint, writeCheckpoint } from '../checkpoint.ts'
import { CliFailure } from '../failure.ts'
import { write } from '../terminal.ts'

const SAVE_EVERY_MS = 1_000

/** What an export goes on from. */
export interface Exported {
  readonly cursor: string
  readonly events: number
  /** Of CSV, once they are fixed. */
  readonly columns: readonly string[] | undefined
}

export interface Out {
  /** What an earlier run did, if there was one. */
  readonly resumed: Exported | undefined
  write(text: string, after: Exported): Promise<void>
  /** Makes sure that what was written can be gone on from. */
  pause(): Promise<void>
  finish(): Promise<void>
}

export const toStdout = (): Out => ({
  resumed: undefined,
  write,
  pause: () => Promise.resolve(),
  finish: () => Promise.resolve(),
})

interface Checkpoint extends Exported {
  readonly options: string
  /** The length of the file then; what is beyond was not finished. */
  readonly bytes: number
}

/** @throws CliFailure if the file is there and was not left by an export with the same options */
export async function toFile(path: string, options: readonly unknown[], force: boolean): Promise<Out> {
  const checkpointPath = `${path}.watchpost-export`
  const wanted = JSON.stringify(options)
  const found = force ? undefined : (readCheckpoint(checkpointPath) as Checkpoint | undefined)
  if (found !== undefined && found.options !== wanted) {
    throw new CliFailure(
      `${checkpointPath} is of an export with other filters or options; repeat those, or pass --force to start anew`,
    )
  }
  const file = await openFile(path, found, force)
  if (found !== undefined) {
    const { size } = await file.stat()
    if (size < found.bytes) throw new CliFailure(`${path} is shorter than it was; pass --force to start anew`)
  }
  await file.truncate(found?.bytes ?? 0)
  return new FileOut(path, file, { path: checkpointPath, options: wanted }, found)
}

async function openFile(path: string, found: Checkpoint | undefined, force: boolean): Promise<FileHandle> {
  try {
    return await open(path, found !== undefined ? 'r+' : force ? 'w' : 'wx')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new CliFailure(`${path} is there already; pass --force to replace it`)
    if (code === 'ENOENT' && found !== undefined) throw new CliFailure(`${path} is gone; pass --force to start anew`)
    throw error
  }
}

class FileOut implements Out {
  readonly resumed: Exported | undefined
  readonly #path: string
  readonly #file: FileHandle
  readonly #checkpoint: { readonly path: string; readonly options: string }
  #bytes: number
  #last: Exported | undefined
  #dueMs = performance.now() + SAVE_EVERY_MS

  constructor(
    path: string,
    file: FileHandle,
    checkpoint: { readonly path: string; readonly options: string },
    found: Checkpoint | undefined,
  ) {
    this.#path = path
    this.#file = file
    this.#checkpoint = checkpoint
    this.#bytes = found?.bytes ?? 0
    this.resumed = found
  }

  async write(text: string, after: Exported): Promise<void> {
    const bytes = Buffer.from(text)
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, written, bytes.length - written, this.#bytes + written)
      written += bytesWritten
    }
    this.#bytes += bytes.length
    this.#last = after
    if (performance.now() >= this.#dueMs) await this.#save()
  }

  async #save(): Promise<void> {
    if (this.#last === undefined) return
    // The checkpoint must not be on the disk before what it vouches for.
    await this.#file.datasync()
    writeCheckpoint(this.#checkpoint.path, { ...this.#last, options: this.#checkpoint.options, bytes: this.#bytes })
    this.#dueMs = performance.now() + SAVE_EVERY_MS
  }

  async pause(): Promise<void> {
    await this.#save()
    await this.#file.close()
    // An empty file would only be in the way of the next attempt.
    if (this.#last === undefined && this.resumed === undefined) await rm(this.#path)
  }

  async finish(): Promise<void> {
    await this.#file.datasync()
    await this.#file.close()
    removeCheckpoint(this.#checkpoint.path)
  }
}
