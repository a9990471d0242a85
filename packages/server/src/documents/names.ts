/** Gives each schema of a document a name of its own, and schemas that are the same one name. */
export class Names {
  /** An object that is assigned this one has another prototype then, and no member more. */
  readonly #contents = new Map([['__proto__', '']])

  /** @param taken names that no other schema may have */
  constructor(taken: Iterable<string>) {
    for (const name of taken) this.#contents.set(name, name)
  }

  /**
   * The wished name, or with a number behind it if another schema has that.
   * @param content equal for schemas that are the same
   */
  nameOf(wished: string, content: string): { readonly name: string; readonly isNew: boolean } {
    const plain = wished
      .replaceAll(/[{}]/g, '')
      .replaceAll('/', '.')
      .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    for (let count = 1; ; count++) {
      const name = count === 1 ? plain : `${plain}_${count}`
      const known = this.#contents.get(name)
      if (known === undefined) this.#contents.set(name, content)
      if (known === undefined || known === content) return { name, isNew: known === undefined }
    }
  }
}
