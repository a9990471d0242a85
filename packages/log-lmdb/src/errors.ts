/**
 * What can be wrong with a store, in words for whoever runs the server: what happened, where, and how to mend it.
 * These texts name paths, so they go to the operator's log and never to a client.
 */
import { statfsSync } from 'node:fs'
import { ProblemError } from '@watchpost/protocol'

/**
 * - `foreign`: the directory holds something that is not a Watchpost log
 * - `damaged`: the log's file lacks a part of itself
 * - `newer-format`: a newer Watchpost wrote it
 * - `permission`: the process may not read or write there
 * - `not-a-directory`: a file stands where the directory should be
 * - `full`: no room on the file system
 * - `locked`: the file system grants no locks, or a lock was lost
 * - `failed`: any other failure; `cause` tells which
 */
export type StoreErrorCode =
  | 'foreign'
  | 'damaged'
  | 'newer-format'
  | 'permission'
  | 'not-a-directory'
  | 'full'
  | 'locked'
  | 'failed'

/** A store that can't be opened, read or written. `message` tells what happened, where, and the fix. */
export class StoreError<Code extends StoreErrorCode = StoreErrorCode> extends Error {
  override readonly name = 'StoreError'
  readonly code: Code

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

// LMDB's own codes are negative; what comes from the system is an errno, positive, as a number or (from Node) by name.
const CODES: Readonly<Record<string, StoreErrorCode>> = {
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
  ENOTDIR: 'not-a-directory',
  EEXIST: 'not-a-directory',
  ENOSPC: 'full',
  EDQUOT: 'full',
  ENOLCK: 'locked',
  EAGAIN: 'locked',
  '1': 'permission',
  '13': 'permission',
  '30': 'permission',
  '20': 'not-a-directory',
  '28': 'full',
  '122': 'full',
  '37': 'locked',
  '11': 'locked',
  '-30793': 'foreign',
  '-30794': 'foreign',
  '-30796': 'damaged',
  '-30797': 'damaged',
}

const SPARE_BYTES = 1_048_576

/** Says of any failure of the file system or of LMDB what it means for the store in `dir`. */
export function storeError(dir: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause
  const code = CODES[String((cause as { code?: unknown } | undefined)?.code)] ?? (isFull(dir) ? 'full' : 'failed')
  return new StoreError(code, explain(code, dir, cause), cause)
}

/** What a client is told when the store can't take its events; the operator finds the rest in `cause`. */
export function logUnavailable(cause: unknown): ProblemError {
  return new ProblemError('log-unavailable', 'The log can not take events now; none of these were appended.', {}, cause)
}

/** What a client is told when the store can't be read; the operator finds the rest in `cause`. */
export function logUnreadable(cause: unknown): ProblemError {
  return new ProblemError('log-unavailable', 'The log can not be read now.', {}, cause)
}

// A write that only half fits is reported as an I/O error, not as a full disk; so the room that is left decides.
function isFull(dir: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dir)
    return bavail * bsize < SPARE_BYTES
  } catch {
    return false
  }
}

function explain(code: StoreErrorCode, dir: string, cause: unknown): string {
  switch (code) {
    case 'permission':
      return `The log in ${dir} can not be opened for writing. Let the user that runs the server own the directory and everything in it (chown, chmod u+rwX), or choose another directory.`
    case 'not-a-directory':
      return `The log needs a directory, and ${dir}, or something above it, is a file. Move the file away, or choose another directory.`
    case 'full':
      return `The file system of ${dir} is full. Free some space or enlarge it; the log goes on by itself then. What was acknowledged is kept.`
    case 'locked':
      return `The file system of ${dir} grants no locks. Put the log on a local disk: network file systems can't hold it.`
    case 'foreign':
      return `${dir} holds a data.mdb that is not a Watchpost log. Choose another directory; nothing was changed in this one.`
    case 'damaged':
      return `The log in ${dir} is damaged. Restore the directory from a backup, or move it away to start an empty log.`
    case 'newer-format':
      return `The log in ${dir} was written by a newer Watchpost. Run that version, or choose another directory.`
    case 'failed':
      return `The log in ${dir} failed: ${cause instanceof Error ? cause.message : String(cause)}.`
  }
}
