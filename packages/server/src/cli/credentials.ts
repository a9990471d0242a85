/** What client commands send to say who they are. A token is never shown, in errors neither. */
import { readFileSync } from 'node:fs'
import { usageFailure } from './failure.ts'
import { RemoteProblem } from './remote-failure.ts'
import { sleep } from './retry.ts'
import { note, printable } from './terminal.ts'

/** Longer than any header that a server takes. */
const TOKEN_LENGTH_MAX = 65_536

/** How often a file is looked at that is to have a new token. */
export const LOOK_EVERY_MS = 1_000

export class Credentials {
  readonly #file: string | undefined
  readonly #fixed: string | undefined
  #sent: string | undefined

  /**
   * @param file holds the token, and is read again for each connection, so that another program can renew it
   * @param fixed the token if there is no file; empty counts as none
   * @throws CliFailure (usage) if there is no token in the file, or what can't be one
   */
  constructor(file: string | undefined, fixed: string | undefined) {
    this.#file = file
    this.#fixed = fixed === undefined || fixed.trim() === '' ? undefined : tokenIn(fixed, 'WATCHPOST_TOKEN')
    if (file !== undefined) readToken(file)
  }

  /** For the next request or connection. */
  headers(): { readonly authorization?: string } {
    // A file that is being replaced is whole again soon; until then, what was good before may still be.
    this.#sent = this.#read() ?? this.#sent ?? this.#fixed
    return this.#sent === undefined ? {} : { authorization: `Bearer ${this.#sent}` }
  }

  /** Whether the file has another token than was sent last. */
  get hasNew(): boolean {
    const token = this.#read()
    return token !== undefined && token !== this.#sent
  }

  /** The token of the file, if it is another than was sent last; from now on it counts as sent. */
  takeNew(): string | undefined {
    const token = this.#read()
    if (token === undefined || token === this.#sent) return undefined
    this.#sent = token
    return token
  }

  /**
   * After a token was refused, waits until its file has another one.
   * @returns `false` at once if another token can't help, or can't come
   * @throws Interrupted
   */
  async renewed(error: unknown, signal: AbortSignal): Promise<boolean> {
    if (this.#file === undefined || !(error instanceof RemoteProblem) || !error.isRefusal) return false
    if (!this.hasNew) note(printable(`${error.detail} Waiting for a new token in ${this.#file}`))
    while (!this.hasNew) await sleep(LOOK_EVERY_MS, signal)
    return true
  }

  #read(): string | undefined {
    if (this.#file === undefined) return undefined
    try {
      return readToken(this.#file)
    } catch {
      return undefined
    }
  }
}

/** @throws CliFailure (usage) */
function readToken(file: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException
    throw usageFailure(`--token-file ${file}: can't be read (${code}); name a file that holds a token or API key`)
  }
  return tokenIn(text, `--token-file ${file}`)
}

/** @throws CliFailure (usage) that says nothing of the text but where it is from */
function tokenIn(text: string, source: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= TOKEN_LENGTH_MAX) return token
  throw usageFailure(`${source}: must hold a token or API key and nothing else, without "Bearer" before it`)
}
