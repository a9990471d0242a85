/** Counts what came, so that anyone can see whether something is missing or came twice. */
import { byId, eachFrame, html } from './elements.ts'

const STARTS_SHOWN = 3

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const count = new Intl.NumberFormat('en')

export class Figures {
  readonly #draw = eachFrame(() => this.#render())
  /** The number of the price to come; absent before the first one. */
  #next: number | undefined
  #received = 0
  #missing = 0
  #repeated = 0
  #connections = 0
  #startedAt = ''

  /** @param n the number of a price */
  count(n: number): void {
    const expected = this.#next ?? n
    this.#received++
    if (n < expected) this.#repeated++
    else this.#missing += n - expected
    this.#next = Math.max(expected, n + 1)
    this.#draw()
  }

  countConnection(): void {
    this.#connections++
    this.#draw()
  }

  /** @param at when the process was started; it is told of more than once */
  addStart(pid: number, at: string): void {
    if (at === this.#startedAt) return
    this.#startedAt = at
    const starts = byId('starts')
    starts.prepend(html('li', '', `${clock.format(Date.parse(at))} process ${pid}`))
    starts.children[STARTS_SHOWN]?.remove()
    byId('kill').textContent = `kill -9 ${pid}`
  }

  /** What comes next has nothing to do with what came before. */
  startOver(): void {
    this.#next = undefined
  }

  #render(): void {
    byId('received').textContent = count.format(this.#received)
    byId('missing').textContent = count.format(this.#missing)
    byId('repeated').textContent = count.format(this.#repeated)
    byId('reconnected').textContent = count.format(Math.max(0, this.#connections - 1))
  }
}
