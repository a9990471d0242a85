/** Listeners by name. */

type Listener = (...args: readonly unknown[]) => void

export class Listeners<Names extends object> {
  readonly #byName = new Map<keyof Names, Set<Listener>>()

  has(name: keyof Names): boolean {
    return (this.#byName.get(name)?.size ?? 0) > 0
  }

  /** Returns what removes it. */
  add<Name extends keyof Names>(name: Name, listener: Names[Name]): () => void {
    const all = this.#byName.get(name) ?? new Set()
    this.#byName.set(name, all)
    // One that is added twice is called twice, and each removal removes one.
    const own: Listener = (...args) => (listener as Listener)(...args)
    all.add(own)
    return () => void all.delete(own)
  }

  /** Calls them all. What one throws is an error of its own, which nobody here can handle. */
  tell<Name extends keyof Names>(
    name: Name,
    ...args: Names[Name] extends (...args: infer Args) => void ? Args : never
  ): void {
    for (const listener of this.#byName.get(name) ?? []) {
      try {
        listener(...args)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
