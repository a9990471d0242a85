/**
 * Documents as texts, remembered while nothing that they are made of changes. Those of many topics take a while to make: so
 * each is made once for all who ask for it, one at a time, and in stretches between which all else has its turn.
 */
import { createHash } from 'node:crypto'
import type { Clock } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { Documented } from './documented.ts'
import { ANY_HOST, Text } from './text.ts'

/** What is kept, and how many may wait to be made. */
export interface Bounds {
  readonly textsMax: number
  /** Of all texts that are remembered; one that is larger is made for whoever asks. */
  readonly bytesMax: number
  /** Texts that are asked for and not made yet; whoever asks for another one has to come again. */
  readonly makingMax: number
}

/** Callers see few different sets of topics. A text of a thousand topics has some 20 MB. */
const BOUNDS: Bounds = { textsMax: 32, bytesMax: 134_217_728, makingMax: 32 }

/** How long making may go on before everything else in the event loop has its turn. */
const STRETCH_MS = 2

/** A document as it is sent. */
export interface Sent {
  /** Made anew by each call. */
  readonly body: () => Buffer
  /** In quotes, as a header has it. */
  readonly etag: string
}

/** What is needed of a server to make its documents. */
type Parts = Pick<App, 'clock' | 'registry'>

const ofServers = new WeakMap<Parts, Texts>()

/**
 * The text of a document.
 * @param name of the document, with its version and format
 * @param write gives the pieces of the text; called if none is remembered
 * @throws ProblemError `overloaded` if too many others are asked for that are yet to be made
 */
export async function textOf(
  server: Parts,
  name: string,
  documented: Documented,
  write: (documented: Documented) => Iterable<string>,
): Promise<Sent> {
  const texts = ofServers.get(server) ?? new Texts(server.clock)
  ofServers.set(server, texts)
  // Any host is told of itself, as clients call servers by names of their own choice. So it is put in last.
  const { protocol, host, origin } = new URL(documented.baseUrl)
  const baseUrl = `${protocol}//${ANY_HOST}${documented.baseUrl.slice(origin.length)}`
  const hostless = { ...documented, baseUrl }
  const text = await texts.get(server.registry.generation, subjectOf(name, hostless), () => write(hostless))
  return { etag: text.etag(host), body: () => text.body(host) }
}

/** Limits and the version stay as they are for as long as the process lives. */
function subjectOf(name: string, { topics, credentials, baseUrl, probes }: Documented): string {
  // A mask or a successor can differ for those who may use the same topics.
  const rights = topics.map(({ topic, watch, publish, masked, lifecycle }) => {
    return [topic.template, watch, publish, masked, lifecycle?.use]
  })
  const subject = JSON.stringify([name, rights, credentials, baseUrl, probes])
  return createHash('sha256').update(subject).digest('base64')
}

/** Texts by their subjects: what each is made of, as far as it can differ. */
export class Texts {
  readonly #clock: Clock
  readonly #bounds: Bounds
  #generation = 0
  /** By their subjects, the least recently used first. */
  readonly #made = new Map<string, Text>()
  readonly #making = new Map<string, Promise<Text>>()
  #bytes = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(clock: Clock, bounds: Bounds = BOUNDS) {
    this.#clock = clock
    this.#bounds = bounds
  }

  /**
   * @param generation of the topic definitions; those of before are forgotten
   * @throws ProblemError `overloaded`
   */
  get(generation: number, subject: string, write: () => Iterable<string>): Text | Promise<Text> {
    if (generation !== this.#generation) this.#forget(generation)
    const made = this.#made.get(subject)
    if (made === undefined) return this.#making.get(subject) ?? this.#make(subject, write)
    this.#made.delete(subject)
    this.#made.set(subject, made)
    return made
  }

  #forget(generation: number): void {
    this.#generation = generation
    this.#made.clear()
    this.#making.clear()
    this.#bytes = 0
  }

  #make(subject: string, write: () => Iterable<string>): Promise<Text> {
    if (this.#making.size >= this.#bounds.makingMax) {
      const detail = 'As many documents as may be made at a time are being made for others.'
      throw new ProblemError('overloaded', detail, { retryAfter: 1 })
    }
    const making = this.#last.then(() => this.#written(write()))
    this.#making.set(subject, making)
    this.#last = making.then(
      (text) => this.#remember(subject, making, text),
      () => this.#isStill(subject, making) && this.#making.delete(subject),
    )
    return making
  }

  /** Definitions may have been replaced in the meantime. */
  #isStill(subject: string, making: Promise<Text>): boolean {
    return this.#making.get(subject) === making
  }

  async #written(pieces: Iterable<string>): Promise<Text> {
    const text = new Text()
    let untilMs = this.#clock.monotonic() + STRETCH_MS
    for (const piece of pieces) {
      text.add(piece)
      if (this.#clock.monotonic() < untilMs) continue
      await this.#clock.turn()
      untilMs = this.#clock.monotonic() + STRETCH_MS
    }
    text.end()
    return text
  }

  #remember(subject: string, making: Promise<Text>, text: Text): void {
    if (!this.#isStill(subject, making)) return
    this.#making.delete(subject)
    const { textsMax, bytesMax } = this.#bounds
    if (text.bytes > bytesMax) return
    this.#made.set(subject, text)
    this.#bytes += text.bytes
    for (const [oldest, { bytes }] of this.#made) {
      if (this.#made.size <= textsMax && this.#bytes <= bytesMax) break
      this.#made.delete(oldest)
      this.#bytes -= bytes
    }
  }
}
