/** The page: one document, one client, and what shows them. */
import { createClient } from '@watchpost/client'
import * as Y from 'yjs'
import type { Pointer, Server } from '../src/config.ts'
import { byId, make } from './elements.ts'
import { Notes, placeOf } from './notes.ts'
import { showPointer } from './pointers.ts'
import { keepInStep } from './sync.ts'

const POINTER_EVERY_MS = 60

const me = { id: crypto.randomUUID(), hue: Math.floor(Math.random() * 360) }
const name = byId('name') as HTMLInputElement
const guest = `Guest ${Math.floor(Math.random() * 90) + 10}`
name.value = localStorage.getItem('board:name') || guest
byId('me').style.setProperty('--hue', String(me.hue))

const doc = new Y.Doc()
// Who waits to have their edits merged does not want to wait for long.
const client = createClient<Server>({ url: '/', backoffMsMax: 5_000 })
const notes = new Notes(doc)

let connection: 'connecting' | 'live' | 'offline' = 'connecting'
const step = keepInStep(doc, client, name.value, {
  loaded: () => {
    byId('board').ariaBusy = 'false'
  },
  pointer: (pointer) => {
    if (pointer.id !== me.id) showPointer(pointer)
  },
  status: (status, isUnsent, trouble) => {
    // An attempt that has not ended changes nothing.
    if (status === 'open') connection = 'live'
    else if (status === 'waiting') connection = 'offline'
    if (connection === 'offline' && isUnsent) say('offline: your edits wait here')
    else say(connection === 'live' && trouble !== '' ? trouble : connection)
  },
  fault: (message) => say(`${message} Reload the page to try again.`),
})

function say(words: string): void {
  const status = byId('status')
  status.dataset['live'] = String(connection === 'live')
  status.dataset['well'] = String(words === 'live')
  // What is read out is read again with each change.
  if (status.textContent !== words) status.textContent = words
}

client.presence<{ readonly name?: unknown } | null>('board', { join: false }).on('state', (members) => {
  // Whoever watches by other means than this page tells no name, or whatever they like.
  const names = [...members.values()].map(({ info }) =>
    typeof info?.name === 'string' ? info.name.trim().slice(0, name.maxLength) : '',
  )
  const shown = names.filter((each) => each !== '')
  // Each by itself: a name that is written from right to left turns nothing round but itself.
  byId('here').replaceChildren(...shown.flatMap((each, i) => [i > 0 ? ', ' : '', make('bdi', '', each)]))
})

name.addEventListener('change', () => {
  name.value = name.value.trim() || guest
  localStorage.setItem('board:name', name.value)
  step.rename(name.value)
})
byId('add').addEventListener('click', () => notes.addWhereFree(me.hue))
byId('undo').addEventListener('click', () => notes.undo())
document.addEventListener('keydown', (event) => {
  // Text fields have an undo of their own.
  if (event.key !== 'z' || event.shiftKey || !(event.ctrlKey || event.metaKey)) return
  if ((event.target as Element).matches('input, textarea')) return
  event.preventDefault()
  notes.undo()
})
byId('board').addEventListener('dblclick', (event) => {
  const { x, y } = placeOf(event)
  if (event.target === byId('board')) notes.add(x, y, me.hue)
})

let pointed: Pointer | undefined
let isPointing = false
byId('board').addEventListener('pointermove', (event) => {
  pointed = { ...me, ...placeOf(event), name: name.value }
})
setInterval(() => {
  if (pointed === undefined || isPointing || connection !== 'live') return
  isPointing = true
  // If it is lost, nothing is: the next one comes soon.
  client
    .publish('board', { type: 'pointer', data: pointed }, { signal: AbortSignal.timeout(1_000) })
    .catch(() => undefined)
    .finally(() => {
      isPointing = false
    })
  pointed = undefined
}, POINTER_EVERY_MS)
