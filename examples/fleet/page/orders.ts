/** The train that is chosen, orders to it, and whether it obeys. */
import { type Client, WatchpostError } from '@watchpost/client'
import type { Order } from '../src/config.ts'
import { byId } from './elements.ts'
import type { Server, Train } from './trains.ts'

/** An order that was given, and what came of it. */
interface Given {
  readonly train: string
  readonly order: Order
  /** The `id` of the command that the train had obeyed last when this one was given. */
  readonly before: string | undefined
  /** There once the log has it. */
  id?: string
  /** Why it was not sent. */
  fault?: string
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
    const answer = this.#given?.train === train.id ? answerOf(this.#given, train) : ''
    // A status that says the same again would be read out again.
    if (byId('answer').textContent !== answer) byId('answer').textContent = answer
  }

  async #give(order: Order): Promise<void> {
    const train = this.#train
    if (train === undefined) return
    const given: Given = { train: train.id, order, before: train.obeyed }
    this.#given = given
    this.render(train)
    try {
      const { events } = await this.#client.publish(`commands/${train.id}`, { type: 'command', data: { order } })
      given.id = events[0]?.id ?? ''
    } catch (error) {
      given.fault = error instanceof WatchpostError ? error.message : String(error)
    }
    this.render(this.#train)
  }
}

function answerOf({ order, before, id, fault }: Given, { name, obeyed, isSilent }: Train): string {
  if (fault !== undefined) return `“${order}” was not sent: ${fault}`
  if (id === undefined) return `“${order}” is on its way.`
  if (obeyed === id) return `“${order}”: ${name} obeys.`
  // Ids have no order that a page may know of, so it can't say whether that one came before or after this one.
  if (obeyed !== before) return `“${order}” was sent, but ${name} obeys another order.`
  return isSilent ? `“${order}” waits for ${name} to come back.` : `“${order}” was sent to ${name}.`
}
