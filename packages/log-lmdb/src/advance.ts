/**
 * Tells the other processes of a store that it has grown. Each of them watches one small file and, when it is touched,
 * looks at the head in the store itself; so a touch that is lost, doubled or late can do no harm, and a look each second
 * makes good for those that are lost.
 */
import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from 'node:fs'
import { join } from 'node:path'

const LOOK_MS = 1_000
const LOOK_UNWATCHED_MS = 20
const TOUCH = Buffer.from('\n')

export class Advance {
  readonly #file: number
  readonly #look: () => void
  readonly #warn: (message: string) => void
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout
  #warned = false

  /** `look` is called whenever another process may have appended; also after one's own touches. */
  constructor(dir: string, look: () => void, warn: (message: string) => void) {
    const path = join(dir, 'advanced')
    this.#look = look
    this.#warn = warn
    this.#file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o664)
    this.#timer = setInterval(look, LOOK_MS).unref()
    try {
      this.#watcher = watch(path, { persistent: false }, look)
      this.#watcher.on('error', (error) => this.#unwatched(error))
    } catch (error) {
      this.#unwatched(error)
    }
  }

  /** Tells the others. */
  touch(): void {
    try {
      writeSync(this.#file, TOUCH, 0, 1, 0)
    } catch (error) {
      // On a full disk; then the others look by themselves.
      if (!this.#warned) this.#warn(`Other processes learn of new events up to a second late: ${String(error)}`)
      this.#warned = true
    }
  }

  #unwatched(error: unknown): void {
    this.#watcher?.close()
    this.#watcher = undefined
    clearInterval(this.#timer)
    this.#timer = setInterval(this.#look, LOOK_UNWATCHED_MS).unref()
    this.#warn(
      `Files can not be watched here, so the log is looked at every ${LOOK_UNWATCHED_MS} ms for events of other processes. ` +
        `Raising fs.inotify.max_user_instances and max_user_watches mends this. (${String(error)})`,
    )
  }

  close(): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
    closeSync(this.#file)
  }
}
