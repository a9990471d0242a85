/** Leaving out of a document what nothing in it refers to. */
import type { Steps } from './members.ts'

/** Components by their kinds and names, as `#/components/schemas/Cursor` has these. */
type Components = Readonly<Record<string, Readonly<Record<string, unknown>>>>

const PREFIX = '#/components/'

/** What parts of a document refer to, be it through other components. */
export class Referred {
  readonly #references = new Set<string>()
  readonly #found = new Map<string, Set<string>>()
  /** What is found and was not followed yet. */
  readonly #waiting: (readonly [kind: string, name: string])[] = []

  /** Notes what a part of the document refers to. */
  noteIn(part: unknown): void {
    if (typeof part !== 'object' || part === null) return
    if (Array.isArray(part)) {
      for (const element of part as readonly unknown[]) this.noteIn(element)
      return
    }
    const object = part as Readonly<Record<string, unknown>>
    for (const name in object) {
      const value = object[name]
      if (name === '$ref' && typeof value === 'string') this.#note(value)
      else this.noteIn(value)
    }
  }

  #note(reference: string): void {
    if (this.#references.has(reference)) return
    this.#references.add(reference)
    if (!reference.startsWith(PREFIX)) return
    const [kind = '', name = ''] = reference.slice(PREFIX.length).split('/')
    const names = this.#found.get(kind) ?? new Set()
    this.#found.set(kind, names)
    if (!names.has(name)) this.#waiting.push([kind, name])
    names.add(name)
  }

  /** The names of the components of a kind that were found. */
  names(kind: string): ReadonlySet<string> {
    return this.#found.get(kind) ?? new Set()
  }

  /** Notes what the components that were found refer to, and so on. Call it once all other parts are noted. */
  *follow(components: Components): Steps {
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      const [kind, name] = next
      this.noteIn(components[kind]?.[name])
      yield
    }
  }

  /** Those components of a kind that were found, in the order that they have. */
  *among<Component>(
    kind: string,
    components: Readonly<Record<string, Component>>,
  ): Generator<readonly [name: string, component: Component], void, undefined> {
    const names = this.#found.get(kind)
    for (const [name, component] of Object.entries(components)) if (names?.has(name)) yield [name, component]
  }
}
