/**
 * Keeps the board small: makes one update of many, and puts it in their place in one publish, which is all or nothing.
 * It touches only what it has read, under keys that are never used again, so it can't undo what comes meanwhile, and
 * several of it could run at a time. It is a client like any other.
 */
import { randomUUID } from 'node:crypto'
import type { Client } from '@watchpost/client'
import * as Y from 'yjs'
import type { Server } from './config.ts'

/** More updates than this become one. */
const UPDATES_MAX = 50
/** As many at a time, so that each publish is far from what the server takes at once. */
const REPLACED_MAX = 500

/** Compacts until the client is closed. */
export function keepCompact(client: Client<Server>): void {
  let isBusy = false
  client.watch('board', { state: true, type: 'update', present: false }).on('state', (state) => {
    if (isBusy || state.size <= UPDATES_MAX) return
    isBusy = true
    const old = [...state.values()].slice(0, REPLACED_MAX)
    client
      .publish('board', [
        { type: 'update', data: { id: randomUUID(), bytes: merged(old.map(({ data }) => data?.bytes ?? '')) } },
        ...old.map(({ key = '' }) => ({ type: 'update' as const, key, data: null })),
      ])
      // The next update brings another attempt.
      .catch((error: unknown) => console.error('the board was not compacted:', error))
      .finally(() => {
        isBusy = false
      })
  })
}

/** What updates make together, without what was deleted, and without what is no update at all. All in base64. */
function merged(updates: readonly string[]): string {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const bytes of updates) {
      try {
        Y.applyUpdate(doc, Buffer.from(bytes, 'base64'))
      } catch (error) {
        console.error('left out, since it is no update of a document:', error)
      }
    }
  })
  return Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64')
}
