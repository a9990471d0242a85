/** The topics, each as a card: what it is, how to watch it, its events and its operations. */
import { type Child, folded, jsonBlock, make } from './dom.ts'
import { exampleOf } from './examples.ts'
import { topicOperations } from './operations.ts'
import { prose } from './prose.ts'
import { schemaRows } from './schema.ts'
import { anchorOf, type Ending, linkTo, type TopicRow } from './topics.ts'

/** From more than these on, the events of a topic are shown when they are asked for. */
const OPEN_MAX = 30

const TRANSPORT_NAMES: Readonly<Record<string, string>> = {
  page: 'page',
  'long-poll': 'long poll',
  sse: 'SSE',
  websocket: 'WebSocket',
}

/** Makes the cards. `tryTopic` is called with the topic that the reader wants to try. */
export function cardsOf(rows: readonly TopicRow[], tryTopic: (row: TopicRow) => void): readonly Node[] {
  if (rows.length === 0) return [make('p', {}, 'There is no topic that you may watch or publish to.')]
  return rows.map((row) => cardOf(row, rows.length <= OPEN_MAX, tryTopic))
}

function cardOf(row: TopicRow, isOpen: boolean, tryTopic: (row: TopicRow) => void): Node {
  const { topic, description, deprecated } = row
  const id = anchorOf(topic)
  const button = make(
    'button',
    { type: 'button', class: 'quiet' },
    'Try it',
    make('span', { class: 'unseen' }, ` ${topic}`),
  )
  button.addEventListener('click', () => tryTopic(row))
  const title = make('h3', { id: `${id}-title` }, make('a', { href: linkTo(topic) }, make('code', {}, topic)))
  return make(
    'article',
    { id, class: 'card', 'aria-labelledby': `${id}-title` },
    make('div', { class: 'card-head' }, title, ...badgesOf(row), button),
    deprecated && endingOf(deprecated),
    description === undefined ? undefined : make('div', { class: 'words' }, prose(description)),
    make('p', { class: 'facts' }, factsOf(row)),
    folded([`${Object.keys(row.events).length === 1 ? 'Event' : 'Events'} and operations`], () => bodyOf(row), {
      class: isOpen ? 'card-body always' : 'card-body',
      isOpen,
    }),
  )
}

function badgesOf({ version, deprecated, keyed }: TopicRow): readonly Node[] {
  const badge = (text: string, kind = ''): Node => make('span', { class: `badge ${kind}`.trim() }, text)
  return [
    ...(version === undefined ? [] : [badge(`version ${version}`)]),
    ...(deprecated === undefined ? [] : [badge('deprecated', 'ending')]),
    ...(keyed ? [badge('keyed')] : []),
  ]
}

const day = (time: string): HTMLTimeElement => make('time', { datetime: time }, time.slice(0, 10))

function endingOf({ since, sunset, use }: Ending): Node {
  const begun = Date.parse(since) <= Date.now()
  return make(
    'p',
    { class: 'ending-note' },
    begun ? 'Deprecated since ' : 'Deprecated from ',
    ...[day(since), ...(sunset === undefined ? [] : [', and may be gone from ', day(sunset), ' on'])],
    '. ',
    ...(use === undefined ? [] : ['Use ', make('a', { href: linkTo(use) }, make('code', {}, use)), ' in its place.']),
  )
}

function factsOf({ watch, publish, transports, keyed }: TopicRow): string {
  const ways = transports.map((name) => TRANSPORT_NAMES[name] ?? name).join(', ')
  const state = keyed ? ', and as a state: the latest event of each key' : ''
  const watched = watch ? `Watch it by ${ways}${state}.` : 'You may not watch it.'
  return `${watched} ${publish ? 'You may publish to it.' : 'You may not publish to it.'}`
}

function bodyOf(row: TopicRow): readonly Child[] {
  const operations = make('div', { class: 'operations' })
  void topicOperations(row.topic).then((found) => operations.replaceChildren(...found))
  return [...Object.keys(row.events).map((type) => eventOf(row, type)), operations]
}

/** An event type: what `data` is, and one such event. */
function eventOf(row: TopicRow, type: string): Node {
  const schema = row.events[type] ?? true
  return make(
    'div',
    { class: 'event-type' },
    make('h4', {}, make('code', {}, type)),
    make('div', {}, make('p', { class: 'label' }, 'data'), ...schemaRows(schema, schema)),
    make('div', {}, make('p', { class: 'label' }, 'Example'), jsonBlock(exampleOf(row, type))),
  )
}
