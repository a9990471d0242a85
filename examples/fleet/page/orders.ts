/** The train that is chosen, orders to it, and whether it obeys. */
import { type Client, WatchpostError } from '@watchpost/client'
import type { Order } from '../src/config.ts'
import { byId } from './elements.ts'
import type { Server, Train } from './trains.ts'

/** An order that was given; `id` is there once the log has it. */
interface Given {
  readonly train: string
  readonly order: Order
  readonly id?: string
}

export class Orders {
  readonly #client: Client<Server>
  readonly #buttons = [...byId('orders').querySelectorAll('button')]
  #train: Train | undefined
  #given: Given | undefined

  constructor(client: Client<Server>) {
    this.#client = client
    for (const button of this.#buttons) {
      button.addEventListener('click', () => void this.#give(button.value as Order))
    }
  }

  /** Goes to the first order. */
  focus(): void {
    this.#buttons[0]?.focus()
  }

  render(train: Train | undefined): void {
    this.#train = train
    if (train === undefined) return
    byId('train-title').textContent = train.name
    byId('train-text').textContent = `Now: ${train.text}`
    for (const button of this.#buttons) {
      button.disabled = false
      button.setAttribute('aria-pressed', String(button.value === train.order))
    }
    if (this.#given?.train !== train.id) this.#say('')
    else if (this.#given.id !== undefined) this.#say(answerOf(this.#given, train))
  }

  async #give(order: Order): Promise<void> {
    const train = this.#train
    if (train === undefined) return
    this.#given = { train: train.id, order }
    this.#say(`“${order}” is on its way.`)
    try {
      const { events } = await this.#client.publish(`commands/${train.id}`, { type: 'command', data: { order } })
      this.#given = { train: train.id, order, id: events[0]?.id ?? '' }
    } catch (error) {
      this.#say(`“${order}” was not sent: ${error instanceof WatchpostError ? error.message : String(error)}`)
    }
  }

  #say(text: string): void {
    // A status that says the same again would be read out again.
    if (byId('answer').textContent !== text) byId('answer').textContent = text
  }
}

function answerOf({ order, id }: Given, { name, obeyed, isSilent }: Train): string {
  if (obeyed === id) return `“${order}”: ${name} obeys.`
  return isSilent ? `“${order}” waits for ${name} to come back.` : `“${order}” was sent to ${name}.`
}
