/**
 * Keeps a Yjs document in step with the topic. What comes is applied, in whatever order and however often; what is edited
 * here waits in the outbox until the server has it, so that to be offline is nothing but a longer wait.
 */
import type { Client, Status, Stored, Watch, WatchedEvent } from '@watchpost/client'
import * as Y from 'yjs'
import type { Pointer, Server } from '../src/config.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { Outbox } from './outbox.ts'

/** What the page is told. */
export interface Told {
  /** The document is there, or has changed. */
  loaded(): void
  pointer(pointer: Pointer): void
  /**
   * @param isUnsent whether there are edits that the server does not have yet
   * @param trouble what is to be said of these, if it takes long or the server refuses them; or else empty
   */
  status(status: Status, isUnsent: boolean, trouble: string): void
  /** It is over, since the same would happen again. */
  fault(message: string): void
}

export interface Step {
  /** Tells the others another name. */
  rename(name: string): void
}

/** Whose update it is: what has come is not to be sent. */
const COME = Symbol('come')

/** @param name what the others are told of who is here */
export function keepInStep(doc: Y.Doc, client: Client<Server>, name: string, told: Told): Step {
  const tellStatus = (): void => told.status(watch.status, !outbox.isEmpty, outbox.trouble)
  const outbox = new Outbox({
    isOpen: () => watch.status === 'open',
    publish: async (update) => {
      const data = { id: crypto.randomUUID(), bytes: toBase64(update) }
      await client.publish('board', { type: 'update', data })
    },
    lacking,
    changed: tellStatus,
  })
  let logged: ReadonlyMap<string, Stored<WatchedEvent<Server, 'board'>>> = new Map()
  // What it builds on comes with the state.
  if (outbox.kept !== undefined) apply(doc, outbox.kept)
  let watch = open(name)

  function open(as: string): Watch<WatchedEvent<Server, 'board'>> {
    const opened = client.watch('board', { state: true, info: { name: as } })
    let isCompared = false
    opened.on('state', (state) => {
      logged = state
      told.loaded()
      if (isCompared) return
      isCompared = true
      const missing = lacking()
      if (missing !== undefined) outbox.add(missing)
    })
    // The log may be another one, which lacks what this page shows. To begin anew compares the two.
    opened.on('gap', () => reopen(as))
    opened.on('event', (event) => {
      if (event.type === 'pointer') told.pointer(event.data)
      // Without data it is one that the compactor has put into another.
      else if (event.data !== null) apply(doc, event.data.bytes)
    })
    opened.on('status', () => {
      tellStatus()
      void outbox.send()
    })
    opened.on('error', ({ message }) => told.fault(message))
    return opened
  }

  /** What the log lacks of the document. */
  function lacking(): Uint8Array | undefined {
    const copy = new Y.Doc()
    for (const { data } of logged.values()) apply(copy, data?.bytes ?? '')
    let missing: Uint8Array | undefined
    // What changes it, deletions too. It keeps nothing of what is deleted, not even to undo that, as the document does.
    copy.on('update', (update: Uint8Array) => {
      missing = update
    })
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
    return missing
  }

  function reopen(as: string): void {
    void watch.close()
    watch = open(as)
  }

  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin !== COME) outbox.add(update)
  })
  return { rename: reopen }
}

/** Whoever can reach the board can publish to it, also what is no update; that must not keep the others from being shown. */
function apply(doc: Y.Doc, update: Uint8Array | string): void {
  try {
    Y.applyUpdate(doc, typeof update === 'string' ? fromBase64(update) : update, COME)
  } catch (error) {
    console.warn('what came is no update of a document:', error)
  }
}
