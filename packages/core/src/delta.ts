/**
 * Deltas [WP-4.7]: of each key, a feed remembers the data that it showed last, and turns the next event into a patch
 * against it. That is done once for all members, so each must say from where on it knows what the feed showed.
 */
import { dataOf, type Json, keyOf, topicOf, withPatch } from '@watchpost/protocol'
import type { LoggedEvent } from './log.ts'
import { mergePatch } from './merge-patch.ts'
import { utf8Bytes } from './utf8.ts'

/** What all feeds of a process may remember together, in UTF-16 units of data; past it, events are sent whole. */
const REMEMBERED_CHARACTERS_MAX = 33_554_432

/** What the name of the patch is longer by than that of the data. */
const NAME_BYTES = 'patch'.length - 'data'.length

/** Whether a message is smaller with the patch; mostly that is clear even if each of its characters were three bytes. */
const isSmaller = (patch: string, data: string): boolean =>
  patch.length * 3 + NAME_BYTES < data.length || utf8Bytes(patch) + NAME_BYTES < utf8Bytes(data)

/** Counts what is remembered, for all feeds of a hub. */
export interface DeltaMemory {
  characters: number
}

/** An event as a patch against the one at offset `base`. */
export interface Delta {
  readonly event: LoggedEvent
  readonly base: number
}

interface Shown {
  readonly offset: number
  readonly data: Json
  readonly characters: number
}

export class Deltas {
  readonly #memory: DeltaMemory
  readonly #shown = new Map<string, Shown>()

  constructor(memory: DeltaMemory) {
    this.#memory = memory
  }

  /** Takes the next event that the feed shows, and gives it as a patch, if the message is smaller so. */
  next(event: LoggedEvent): Delta | undefined {
    const key = keyOf(event.json)
    if (key === undefined) return undefined
    const name = `${topicOf(event.json)} ${key}`
    const before = this.#shown.get(name)
    const text = dataOf(event.json)
    const data = JSON.parse(text) as Json
    this.#remember(name, before, { offset: event.offset, data, characters: name.length + text.length })
    const patch = before === undefined ? undefined : mergePatch(before.data, data)
    if (before === undefined || patch === undefined) return undefined
    const patchText = JSON.stringify(patch)
    if (!isSmaller(patchText, text)) return undefined
    return { event: { offset: event.offset, json: withPatch(event.json, patchText) }, base: before.offset }
  }

  /** Forgets everything; to be called whenever the feed was not given an event that it covers. */
  clear(): void {
    for (const { characters } of this.#shown.values()) this.#memory.characters -= characters
    this.#shown.clear()
  }

  #remember(name: string, before: Shown | undefined, shown: Shown): void {
    if (before !== undefined) {
      this.#memory.characters -= before.characters
      this.#shown.delete(name)
    }
    if (this.#memory.characters + shown.characters > REMEMBERED_CHARACTERS_MAX) return
    this.#memory.characters += shown.characters
    this.#shown.set(name, shown)
  }
}
