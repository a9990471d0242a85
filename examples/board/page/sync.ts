/**
 * Keeps a Yjs document in step with the topic. What comes is applied, in whatever order and however often; what is edited
 * here waits until the server has it, so that to be offline is nothing but a longer wait.
 */
import type { Client, Status, Watch, WatchedEvent } from '@watchpost/client'
import * as Y from 'yjs'
import type { Pointer, Server } from '../src/config.ts'
import { fromBase64, toBase64 } from './base64.ts'

/** Where this tab keeps what the server does not have yet, in case it is reloaded. */
const KEPT = 'board:unsent'
const RETRY_MS = 1_000
/** Edits within so long travel together. */
const TOGETHER_MS = 40

/** What the page is told. */
export interface Told {
  /** The document is there, or has changed. */
  loaded(): void
  pointer(pointer: Pointer): void
  /** `unsent` says whether there are edits that the server does not have yet. */
  status(status: Status, unsent: boolean): void
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
  const kept = sessionStorage.getItem(KEPT)
  let unsent: Uint8Array[] = kept === null ? [] : [fromBase64(kept)]
  // What it builds on comes with the state.
  for (const update of unsent) apply(doc, update)
  let isSending = false
  let watch = open(name)
  const tellStatus = (): void => told.status(watch.status, unsent.length > 0)

  async function send(): Promise<void> {
    if (isSending) return
    isSending = true
    while (unsent.length > 0 && watch.status === 'open') {
      await pause(TOGETHER_MS)
      const count = unsent.length
      try {
        const bytes = toBase64(Y.mergeUpdates(unsent))
        await client.publish('board', { type: 'update', data: { id: crypto.randomUUID(), bytes } })
        unsent = unsent.slice(count)
        keep(unsent)
      } catch {
        await pause(RETRY_MS)
      }
    }
    isSending = false
    tellStatus()
  }

  function open(as: string): Watch<WatchedEvent<Server, 'board'>> {
    const opened = client.watch('board', { state: true, info: { name: as } })
    opened.on('state', () => told.loaded())
    opened.on('event', (event) => {
      if (event.type === 'pointer') told.pointer(event.data)
      // Without data it is one that the compactor has put into another.
      else if (event.data !== null) apply(doc, event.data.bytes)
    })
    opened.on('status', () => {
      tellStatus()
      void send()
    })
    opened.on('error', ({ message }) => told.fault(message))
    return opened
  }

  doc.on('update', (update: Uint8Array, origin: unknown) => {
    if (origin === COME) return
    unsent.push(update)
    keep(unsent)
    tellStatus()
    void send()
  })
  return {
    rename(next) {
      void watch.close()
      watch = open(next)
    },
  }
}

/** Whoever can reach the board can publish to it, also what is no update; that must not keep the others from being shown. */
function apply(doc: Y.Doc, update: Uint8Array | string): void {
  try {
    Y.applyUpdate(doc, typeof update === 'string' ? fromBase64(update) : update, COME)
  } catch (error) {
    console.warn('what came is no update of a document:', error)
  }
}

function keep(updates: readonly Uint8Array[]): void {
  if (updates.length === 0) sessionStorage.removeItem(KEPT)
  else sessionStorage.setItem(KEPT, toBase64(Y.mergeUpdates([...updates])))
}

const pause = (waitMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, waitMs))
