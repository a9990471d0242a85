/** Where a command that makes one text puts it: into the file of `--out`, or to stdout. */
import { writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CliFailure, describeFailure, usageFailure } from './failure.ts'
import { write } from './terminal.ts'

/** @throws CliFailure (usage) for an `--out` without a name, before anything is made for it */
export function demandOut(out: string | undefined): void {
  if (out === '') throw usageFailure('--out: name a file, or leave it out to write to stdout')
}

/** @throws CliFailure for a file that can't be written */
export async function writeOut(out: string | undefined, text: string): Promise<void> {
  if (out === undefined) return write(text)
  try {
    await writeFile(out, text)
  } catch (error) {
    const isFolderless = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw new CliFailure(isFolderless ? `${out}: there is no folder ${dirname(out)}` : describeFailure(error, out))
  }
}
