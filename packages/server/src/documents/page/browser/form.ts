/** What stands in the form to watch with: the topic, the ways that it offers, and the command that does the same. */
import { commandOf, type Fields, faultOf, watchAddress } from './command.ts'
import { byId, make } from './dom.ts'
import { rowOf, type TopicRow, topicOf } from './topics.ts'

const form = byId('watch', HTMLFormElement)
const topic = byId('try-topic', HTMLInputElement)
const command = byId('watch-command', HTMLElement)

let rows: readonly TopicRow[] = []

/** The values of the form. */
export const fields: Fields = (name) => {
  const value = new FormData(form).get(name)
  return typeof value === 'string' ? value : ''
}

/** The definition that the form's topic is of, if that is known. */
export const chosenRow = (): TopicRow | undefined => rowOf(topic.value.trim(), rows)

/** Offers these topics, and chooses the first one that can be watched if none was chosen. */
export function offerTopics(offered: readonly TopicRow[]): void {
  rows = offered
  const options = rows.map((row) => make('option', { value: topicOf(row.topic) }))
  byId('try-topics', HTMLDataListElement).replaceChildren(...options)
  const first = rows.find((row) => row.watch && row.deprecated === undefined) ?? rows[0]
  if (topic.value === '' && first !== undefined) topic.value = topicOf(first.topic)
  follow()
}

/** Puts a topic of this definition into the form. */
export function choose(row: TopicRow): void {
  topic.value = topicOf(row.topic)
  follow()
}

/** Shows what follows from the fields. */
export function follow(): void {
  topic.setCustomValidity(faultOf(topic.value))
  offerWays()
  const isWhole = topic.value.trim() !== '' && topic.validity.valid
  const way = fields('way')
  command.textContent = isWhole ? commandOf(way, watchAddress(way, fields)) : topic.validationMessage
}

/** Only what the topic offers can be chosen; of a filter, or a topic that is not known, all but the state of one. */
function offerWays(): void {
  const row = chosenRow()
  const radios = [...form.querySelectorAll<HTMLInputElement>('input[name=way]')]
  for (const radio of radios) {
    const isOffered =
      radio.value === 'state'
        ? row?.keyed === true && row.watch
        : row === undefined || !row.watch || row.transports.includes(radio.value)
    radio.disabled = !isOffered
    const label = radio.closest('label')
    if (label !== null) label.hidden = !isOffered
  }
  if (radios.some((radio) => radio.checked && !radio.disabled)) return
  const first = radios.find((radio) => !radio.disabled)
  if (first !== undefined) first.checked = true
}
