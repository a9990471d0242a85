/** Where a client keeps what should outlive it: cursors by name, and which transport worked. */

/** Texts by name. What fails is passed over: watching goes on without it. */
export interface ClientStorage {
  get(name: string): string | null | undefined | Promise<string | null | undefined>
  set(name: string, value: string): void | Promise<void>
}

/** Forgets with the page or process. */
export function memoryStorage(): ClientStorage {
  const kept = new Map<string, string>()
  return {
    get: (name) => kept.get(name),
    set: (name, value) => void kept.set(name, value),
  }
}

/** Keeps it in a `Storage` of the browser, such as `localStorage`, under names that begin with `prefix`. */
export const webStorage = (
  storage: { getItem(name: string): string | null; setItem(name: string, value: string): void },
  prefix = 'watchpost:',
): ClientStorage => ({
  get: (name) => storage.getItem(prefix + name),
  set: (name, value) => storage.setItem(prefix + name, value),
})

/** A storage that may fail without harm, and that is told only the newest value while it is busy with an older one. */
export class Keeper {
  readonly #storage: ClientStorage
  readonly #waiting = new Map<string, string>()
  #isBusy = false
  #written: Promise<void> = Promise.resolve()

  constructor(storage: ClientStorage) {
    this.#storage = storage
  }

  async get(name: string): Promise<string | undefined> {
    try {
      return (await this.#storage.get(name)) ?? undefined
    } catch {
      return undefined
    }
  }

  set(name: string, value: string): void {
    this.#waiting.set(name, value)
    if (!this.#isBusy) this.#written = this.#write()
  }

  /** Resolves when everything is written. */
  settled(): Promise<void> {
    return this.#written
  }

  async #write(): Promise<void> {
    this.#isBusy = true
    for (const [name, value] of this.#waiting) {
      this.#waiting.delete(name)
      try {
        // Awaited only if there is something to wait for, so that a page that closes has written.
        const written = this.#storage.set(name, value)
        if (written !== undefined) await written
      } catch {
        // A full or forbidden storage is no reason to stop.
      }
    }
    this.#isBusy = false
  }
}
