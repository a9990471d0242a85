/** What `watchpost docs diff` says of topics, rule by rule, for both kinds of documents. */
import { describe, expect, it } from 'vitest'
import { KINDS, price, type Topics, told } from './cli-docs-told.ts'

const named = (name: string): string => `Topic ${JSON.stringify(name)}`
const string = { type: 'string' }
const since = '2026-01-01T00:00:00Z'

/** What changes, before and after, and all that is said of it. */
type Rule = readonly [what: string, before: Topics, after: Topics, told: readonly string[]]

const TOPIC_RULES: readonly Rule[] = [
  ['nothing', price({}), price({}), []],
  [
    'a topic is removed',
    { ...price({}), news: { events: { item: {} } } },
    price({}),
    [
      `watchers: ${named('news')} can no longer be watched.`,
      `publishers: ${named('news')} can no longer be published to.`,
    ],
  ],
  [
    'a topic is added',
    price({}),
    { ...price({}), news: { events: { item: {} } } },
    [`nobody: ${named('news')} is new.`],
  ],
  [
    'an event type is removed',
    { stocks: { events: { price: {}, split: {} } } },
    price({}),
    [
      `watchers: ${named('stocks')}: event type "split" is never sent any more.`,
      `publishers: ${named('stocks')}: event type "split" is refused now.`,
    ],
  ],
  [
    'an event type is added',
    price({}),
    { stocks: { events: { price: {}, split: {} } } },
    [`nobody: ${named('stocks')}: event type "split" is new.`],
  ],
  [
    'a transport is removed, another added',
    { stocks: { events: { price: {} }, transports: ['page', 'long-poll', 'websocket'] } },
    { stocks: { events: { price: {} }, transports: ['page', 'long-poll', 'sse'] } },
    [
      `watchers: ${named('stocks')} no longer offers the transport websocket.`,
      `nobody: ${named('stocks')} offers the transport sse now.`,
    ],
  ],
  [
    'a topic becomes one of pages alone, of which its events are known still',
    { stocks: { events: { price: {} }, transports: ['page', 'sse', 'websocket'] } },
    { stocks: { events: { price: {} }, transports: ['page', 'websocket'] } },
    [`watchers: ${named('stocks')} no longer offers the transport sse.`],
  ],
  [
    'the key is removed, and the state with it',
    { stocks: { events: { price: {} }, key: '/v' } },
    price({}),
    [
      `watchers: ${named('stocks')} is not keyed any more: it has no state, and events may have no key.`,
      `publishers: ${named('stocks')} is not keyed any more: to remove a key is refused.`,
    ],
  ],
  [
    'a topic becomes keyed',
    price({}),
    { stocks: { events: { price: {} }, key: '/v' } },
    [
      `nobody: ${named('stocks')} has a state now.`,
      `publishers: ${named('stocks')} is keyed now: an event that gives no key is refused.`,
    ],
  ],
  [
    'a topic is deprecated',
    price({}),
    { stocks: { events: { price: {} }, deprecated: { since } } },
    [`nobody: ${named('stocks')} is deprecated now.`],
  ],
  [
    'a topic is deprecated, with its end and successor',
    { ...price({}), quotes: { events: { m: {} } } },
    {
      quotes: { events: { m: {} } },
      stocks: { events: { price: {} }, deprecated: { since, sunset: '2027-05-01T00:00:00Z', use: 'quotes' } },
    },
    [
      `nobody: ${named('stocks')} is deprecated now, and may be gone from 2027-05-01T00:00:00.000Z on; "quotes" takes its place.`,
    ],
  ],
  [
    'a topic is to end sooner, and nothing takes its place',
    {
      quotes: { events: { m: {} } },
      stocks: { events: { price: {} }, deprecated: { since, sunset: '2027-05-01T00:00:00Z', use: 'quotes' } },
    },
    {
      quotes: { events: { m: {} } },
      stocks: { events: { price: {} }, deprecated: { since, sunset: '2026-12-01T00:00:00Z' } },
    },
    [
      `nobody: ${named('stocks')} may be gone from 2026-12-01T00:00:00.000Z on, not 2027-05-01T00:00:00.000Z.`,
      `nobody: ${named('stocks')} is succeeded by no topic, not "quotes".`,
    ],
  ],
  [
    'a topic is to stay after all',
    { stocks: { events: { price: {} }, deprecated: { since } } },
    price({}),
    [`nobody: ${named('stocks')} is no longer deprecated.`],
  ],
  [
    'the parameter of a template has another name',
    { 'chat/{room}': { events: { m: {} } } },
    { 'chat/{name}': { events: { m: {} } } },
    [],
  ],
  [
    'a topic is taken over by a template',
    { 'chat/lobby': { events: { m: string } } },
    { 'chat/{room}': { events: { m: string } } },
    [`nobody: ${named('chat/{room}')} is new.`],
  ],
  [
    'a template takes some topics from another one',
    { '{a}/y': { events: { m: string } } },
    { '{a}/y': { events: { m: string } }, 'x/{c}': { events: { m: { type: 'null' } } } },
    [
      `watchers: ${named('x/y')}, event type "m": /data can be null now, and was a string.`,
      `publishers: ${named('x/y')}, event type "m": /data must be null now, and could be a string.`,
      `nobody: ${named('x/{c}')} is new.`,
    ],
  ],
  [
    'pages are removed, long polls are not',
    { stocks: { events: { price: {} }, transports: ['page', 'long-poll', 'sse'] } },
    { stocks: { events: { price: {} }, transports: ['long-poll', 'sse'] } },
    [`watchers: ${named('stocks')} no longer offers the transport page.`],
  ],
  [
    'some topics of a template get a definition of their own, which is narrower',
    { 'chat/{room}': { events: { m: {}, n: {} } } },
    { 'chat/{room}': { events: { m: {}, n: {} } }, 'chat/lobby': { events: { m: {} } } },
    [
      `watchers: ${named('chat/lobby')}: event type "n" is never sent any more.`,
      `publishers: ${named('chat/lobby')}: event type "n" is refused now.`,
    ],
  ],
]

describe.each(KINDS)('%s', (_kind, make) => {
  it.each(TOPIC_RULES)('tells of topics: %s', (_what, before, after, expected) => {
    expect(told(make, before, after)).toEqual(expected)
  })
})
