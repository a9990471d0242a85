/** What a command can fail with, its exit code, and what it says on stderr: what went wrong, then how to mend it. */
import { printable } from './terminal.ts'

export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const

/** A failure whose message is all that the user needs. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure'
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message)
    this.exitCode = exitCode
  }
}

export const usageFailure = (message: string): CliFailure => new CliFailure(message, EXIT.usage)

/** The user ended the command. `message` says how to go on, if there is anything to go on with. */
export class Interrupted extends CliFailure {
  constructor(message = '') {
    super(message, EXIT.interrupted)
  }
}

/** Errors that say what to do in their own message, recognised by name since some of their classes are heavy to load. */
const SAYS_ENOUGH: ReadonlySet<string> = new Set(['CliFailure', 'ConfigError', 'StoreError'])

const FILE_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not open it',
  EISDIR: 'it is a directory, not a file',
  ENOTDIR: 'a part of the path is no directory',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
}

/** The text for stderr. `of` names what failed where the error does not, such as the file that was being written. */
export function describeFailure(error: unknown, of?: string): string {
  if (!(error instanceof Error)) return String(error)
  if (SAYS_ENOUGH.has(error.name)) return printable(error.message)
  const { code, path = of } = error as NodeJS.ErrnoException
  const file = FILE_FAILURES[code ?? '']
  return printable(file !== undefined && path !== undefined ? `${path}: ${file}` : error.message)
}

export const exitCodeOf = (error: unknown): number => (error instanceof CliFailure ? error.exitCode : EXIT.failed)
