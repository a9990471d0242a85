/** The notes of the document as elements, and what is done to these as edits of the document. */
import * as Y from 'yjs'
import { byId, make } from './elements.ts'
import { bind } from './text.ts'

type Note = Y.Map<number | Y.Text>

/** How far an arrow key moves a note, as a part of the board. */
const STEP = 0.02

const board = byId('board')
const within = (value: number): number => Math.min(1, Math.max(0, value))

/** Where a note is, from 0 to 1, whatever another program has put there: it must be in reach. */
const part = (note: Note, name: 'x' | 'y'): number => within(Number(note.get(name)) || 0)

/** Where an event is on the board, from 0 to 1. */
export function placeOf({ clientX, clientY }: MouseEvent): { readonly x: number; readonly y: number } {
  const { left, top, width, height } = board.getBoundingClientRect()
  return { x: within((clientX - left) / width), y: within((clientY - top) / height) }
}

/** Where new notes go, as parts of the board: row by row. */
const PLACES = [0.02, 0.48, 0.94].flatMap((y) => [0.02, 0.25, 0.48, 0.71, 0.94].map((x) => [x, y] as const))

const isNear = (a: number, b: number, apart: number): boolean => Math.abs(a - b) < apart

export class Notes {
  readonly #notes: Y.Map<Note>
  readonly #elements = new Map<string, HTMLElement>()
  readonly #undo: Y.UndoManager

  constructor(doc: Y.Doc) {
    this.#notes = doc.getMap('notes')
    this.#undo = new Y.UndoManager(this.#notes)
    this.#notes.observeDeep(() => this.#render())
  }

  addWhereFree(hue: number): void {
    const taken = [...this.#notes.values()].map((note) => [Number(note.get('x')), Number(note.get('y'))] as const)
    const free = PLACES.find((place) => !taken.some(([x, y]) => isNear(x, place[0], 0.15) && isNear(y, place[1], 0.3)))
    const [x, y] = free ?? [Math.random(), Math.random()]
    // Two who are offline find the same place; neither note shall hide the other.
    this.add(within(x + 0.02 * Math.random()), within(y + 0.02 * Math.random()), hue)
  }

  add(x: number, y: number, hue: number): void {
    const id = crypto.randomUUID()
    this.#undo.stopCapturing()
    this.#notes.set(
      id,
      new Y.Map<number | Y.Text>([
        ['x', x],
        ['y', y],
        ['hue', hue],
        ['text', new Y.Text()],
      ]),
    )
    this.#elements.get(id)?.querySelector('textarea')?.focus()
  }

  /** Takes back what was done here last, and nothing of what others did. */
  undo(): void {
    this.#undo.undo()
  }

  #render(): void {
    byId('empty').hidden = this.#notes.size > 0
    for (const [id, element] of this.#elements) {
      if (this.#notes.has(id)) continue
      element.remove()
      this.#elements.delete(id)
    }
    for (const [id, note] of this.#notes) {
      const text = note instanceof Y.Map ? note.get('text') : undefined
      // Another program can have put there what is no note.
      if (!(text instanceof Y.Text)) continue
      const element = this.#elements.get(id) ?? this.#make(id, note, text)
      const numbers = { x: part(note, 'x'), y: part(note, 'y'), hue: Number(note.get('hue')) || 0 }
      for (const [name, number] of Object.entries(numbers)) element.style.setProperty(`--${name}`, String(number))
      const words = text.toJSON().slice(0, 40)
      element.ariaLabel = words || 'Empty note'
      element.querySelector('.grip')?.setAttribute('aria-label', `Move note: ${words || 'empty'}`)
      element.querySelector('.drop')?.setAttribute('aria-label', `Delete note: ${words || 'empty'}`)
    }
  }

  #make(id: string, note: Note, text: Y.Text): HTMLElement {
    const grip = button('grip', 'Move this note: drag it, or use the arrow keys')
    const drop = button('drop', 'Delete this note')
    const field = document.createElement('textarea')
    field.ariaLabel = 'Text of the note'
    field.maxLength = 500
    field.dir = 'auto'
    field.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') grip.focus()
    })
    const bar = make('div', 'bar', grip, drop)
    const element = make('article', 'note', bar, field)
    // To write and to move are undone one by one.
    element.addEventListener('focusin', () => this.#undo.stopCapturing())
    bind(field, text)
    drop.addEventListener('click', () => {
      this.#undo.stopCapturing()
      this.#notes.delete(id)
      byId('add').focus()
    })
    grip.addEventListener('keydown', (event) => {
      const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [
        0, 0,
      ]
      if (x === 0 && y === 0) return
      event.preventDefault()
      this.#move(note, part(note, 'x') + (x ?? 0) * STEP, part(note, 'y') + (y ?? 0) * STEP)
    })
    this.#drag(bar, element, note)
    this.#elements.set(id, element)
    board.append(element)
    return element
  }

  #drag(bar: HTMLElement, element: HTMLElement, note: Note): void {
    bar.addEventListener('pointerdown', (down) => {
      if (down.target instanceof Element && down.target.closest('.drop') !== null) return
      this.#undo.stopCapturing()
      const from = element.getBoundingClientRect()
      const area = board.getBoundingClientRect()
      bar.setPointerCapture(down.pointerId)
      const released = new AbortController()
      const follow = ({ clientX, clientY }: PointerEvent): void => {
        const left = from.left - area.left + clientX - down.clientX
        const top = from.top - area.top + clientY - down.clientY
        this.#move(note, left / (area.width - from.width), top / (area.height - from.height))
      }
      bar.addEventListener('pointermove', follow, { signal: released.signal })
      bar.addEventListener('lostpointercapture', () => released.abort(), { once: true })
    })
  }

  #move(note: Note, x: number, y: number): void {
    note.doc?.transact(() => {
      note.set('x', within(x))
      note.set('y', within(y))
    })
  }
}

/** A button without a name yet: it is named after the text of its note. */
function button(className: string, title: string): HTMLElement {
  const element = make('button', className)
  element.setAttribute('type', 'button')
  element.title = title
  return element
}
