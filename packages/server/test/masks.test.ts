/** Masks: what an identity may not see is in nothing that it is sent, however it asks [WP-6.5]. */
import { Socket as TcpSocket } from 'node:net'
import { json, msgpack } from '@watchpost/conformance'
import { describe, expect, it, vi } from 'vitest'
import { type Identity, type Topics, topic } from 'watchpost'
import {
  type Came,
  deltas,
  type Headers,
  type Json,
  pages,
  publish,
  sockets,
  state,
  streams,
  talk,
  type Way,
} from './fixtures/access-ways.ts'
import { SECRET, sign } from './fixtures/auth.ts'
import { metric } from './fixtures/http.ts'
import { get, openSse, type Running, startServer } from './harness.ts'

const isModerator = ({ identity }: { readonly identity: Identity }): boolean => identity.claims['role'] === 'moderator'

const MASKED = ['/ip', '/contact/mail', '/visits/0']

const open = { events: { seen: {} }, watch: 'authenticated', publish: 'anyone' } as const

const TOPICS: Topics = {
  people: topic({ ...open, key: '/id', mask: (context) => (isModerator(context) ? [] : MASKED) }),
  // Its events never had what is masked in `people`.
  plain: topic({ ...open, key: '/id' }),
  fixed: topic({ ...open, mask: ['/ip'] }),
  'doc/{name}': topic({ ...open, mask: ({ params }) => [`/${params['name']}`] }),
  'note/{name}': topic({ ...open, mask: ['/ip'] }),
}

/** What a person may be known by, and no member of another event. */
const SECRETS = ['192.0.2.7', 'ada@secret.example', 'first-visit']

const person = (n: number): Json => ({
  id: 'ada',
  ip: SECRETS[0],
  contact: { mail: SECRETS[1], city: 'Turin' },
  visits: [SECRETS[2], 'second'],
  text: 'so that a patch is smaller than the whole of it',
  n,
})

/** The same as it is for whoever may not see it all. */
const shownPerson = (n: number): Json => {
  const { ip: _ip, contact, visits, ...rest } = person(n)
  return { ...rest, contact: { city: contact.city }, visits: [null, visits[1]] }
}

const withRole = async (role: string, sub = role): Promise<Headers> => ({
  authorization: `Bearer ${await sign({ role, sub })}`,
})

const start = (topics: Topics = TOPICS): Promise<Running> => startServer({ topics, auth: { jwt: { secret: SECRET } } })

describe('what is masked', () => {
  const past = [1]
  const live = [1, 2]
  const ways: readonly (readonly [name: string, way: Way, shown: readonly number[]])[] = [
    ['a page', pages(''), past],
    ['a page of the last events', pages('&last=1'), past],
    ['a page of CloudEvents', pages('', 'application/cloudevents-batch+json'), past],
    ['a long poll', pages('&wait=1'), past],
    ['a long poll of CloudEvents', pages('&wait=1', 'application/cloudevents-batch+json'), past],
    ['the state', state, past],
    ['a stream', streams(undefined, person(2)), live],
    ['a stream in gzip', streams('gzip', person(2)), live],
    ['a WebSocket in JSON', sockets(json, person(2)), live],
    ['a WebSocket in MessagePack', sockets(msgpack, person(2)), live],
  ]

  it.each(ways)('is not in %s [WP-6.5]', async (_name, way, shown) => {
    const server = await start()
    await publish(server, 'people', person(1))
    const guest = await way(server, await withRole('guest'), 'people')
    expect(guest.data).toEqual(shown.map(shownPerson))
    for (const secret of [...SECRETS, '"ip"', '"mail"']) expect(guest.text).not.toContain(secret)
    const again = await start()
    await publish(again, 'people', person(1))
    const moderator = await way(again, await withRole('moderator'), 'people')
    expect(moderator.data).toEqual(shown.map(person))
    for (const secret of SECRETS) expect(moderator.text).toContain(secret)
  })

  it.each([['JSON', json] as const, ['MessagePack', msgpack] as const])(
    'is neither in a snapshot nor in deltas, in %s [WP-6.5] [WP-4.6] [WP-4.7]',
    async (_name, codec) => {
      const hidden = { ip: '192.0.2.70', contact: { mail: `x${SECRETS[1]}`, city: 'Turin' } }
      // The last of them is another one in nothing but what is masked.
      const way = deltas(codec, [person(2), person(3), { ...person(3), ...hidden }])
      const ask = async (role: string): Promise<Came> => {
        const server = await start()
        await publish(server, 'people', person(1))
        return way(server, await withRole(role), 'people')
      }
      const guest = await ask('guest')
      expect(guest.data).toEqual([1, 2, 3, 3].map(shownPerson))
      expect(guest.text).toContain('"patch":{}')
      for (const secret of [...SECRETS, '"ip"', '"mail"']) expect(guest.text).not.toContain(secret)
      const moderator = await ask('moderator')
      expect(moderator.data).toEqual([...[1, 2, 3].map(person), { ...person(3), ...hidden }])
      expect(moderator.text).toContain(
        JSON.stringify({ patch: { ip: hidden.ip, contact: { mail: hidden.contact.mail } } }).slice(1, -1),
      )
    },
  )

  it('is in no long poll that waits for it [WP-6.5]', async () => {
    const server = await start()
    const waiting = get(`${server.url}/v1/topics/people?wait=20`, await withRole('guest'))
    await vi.waitFor(
      async () => expect(await metric(server.url, 'watchpost_connections{transport="long-poll"}')).toBe(1),
      20_000,
    )
    await publish(server, 'people', person(1))
    expect((await waiting).body.events.map(({ data }: Json) => data)).toEqual([shownPerson(1)])
  })

  it('can be selected by nobody: to who may not see it, the event never had it [WP-6.5] [WP-3.6]', async () => {
    const server = await start()
    await publish(server, 'people', person(1))
    await publish(server, 'plain', shownPerson(1))
    const headers = await withRole('guest')
    const selections = [
      '/ip',
      '/contact/mail',
      '/contact',
      '',
      '/visits/0',
      '/visits',
      '/visits/1',
      '/id',
      '/nothing',
      '/ip/x',
    ]
    for (const select of selections) {
      const query = `&select=${encodeURIComponent(select)}`
      const [its, plain] = [await pages(query)(server, headers, 'people'), await pages(query)(server, headers, 'plain')]
      expect([select, its.data]).toEqual([select, plain.data])
      const states = await Promise.all(
        ['people', 'plain'].map((name) =>
          get(`${server.url}/v1/state/${name}?select=${encodeURIComponent(select)}`, headers),
        ),
      )
      expect(states.map(({ body }) => body.events[0].data)).toEqual([plain.data[0], plain.data[0]])
    }
  })

  it('is nothing to filter by, nor is the key that would be [WP-6.5] [WP-9.1]', async () => {
    const refused: readonly (readonly [key: string, mask: readonly string[]])[] = [
      ['/id', ['/id']],
      ['/person/id', ['/ip', '/person']],
    ]
    for (const [key, mask] of refused) {
      await expect(start({ people: topic({ ...open, key, mask }) })).rejects.toThrow(
        /`mask` hides .*, which is the key/,
      )
    }
    const server = await start()
    await publish(server, 'people', person(1))
    const filtered = await pages(`&ip=192.0.2.8&/ip=192.0.2.8`)(server, await withRole('guest'), 'people')
    expect(filtered.data).toEqual([shownPerson(1)])
  })

  it('is of each topic its own, also by a wildcard [WP-6.5]', async () => {
    const server = await start()
    const headers = await withRole('guest')
    const stream = await openSse(`${server.url}/v1/events?topic=doc/*&topic=note/*&topic=people`, headers)
    await stream.next(({ event }) => event === 'welcome')
    for (const name of ['doc/a', 'doc/b', 'note/a']) await publish(server, name, { a: 1, b: 2, ip: 3 })
    await publish(server, 'people', person(1))
    const came = await stream.events(4)
    const due = [{ b: 2, ip: 3 }, { a: 1, ip: 3 }, { a: 1, b: 2 }, shownPerson(1)]
    expect(came.map(({ data }) => data['data'])).toEqual(due)
    const page = await get(`${server.url}/v1/events?topic=**`, headers)
    expect(page.body.events.map(({ data }: Json) => data)).toEqual(due)
  })

  it('stays so for data of other shapes [WP-6.5]', async () => {
    const server = await start()
    const shapes: readonly (readonly [published: Json, shown: Json])[] = [
      [null, null],
      ['ip', 'ip'],
      [7, 7],
      [
        ['ip', { ip: 1 }],
        ['ip', { ip: 1 }],
      ],
      [{ ip: { deep: [1] } }, {}],
      [
        { IP: 1, ip: null, 'ip ': 2 },
        { IP: 1, 'ip ': 2 },
      ],
      [{ a: { ip: 1 } }, { a: { ip: 1 } }],
    ]
    for (const [data] of shapes) await publish(server, 'fixed', data)
    const came = await pages('')(server, await withRole('guest'), 'fixed')
    expect(came.data).toEqual(shapes.map(([, shown]) => shown))
  })
})

describe('identities', () => {
  /** Streams of these roles, and the chunks that they were written with one event in, each by who it was written to. */
  async function written(server: Running, name: string, all: readonly Headers[]): Promise<readonly unknown[]> {
    const streamsOfAll = await Promise.all(all.map((headers) => openSse(`${server.url}/v1/${name}`, headers)))
    await Promise.all(streamsOfAll.map((stream) => stream.next(({ event }) => event === 'welcome')))
    const spy = vi.spyOn(TcpSocket.prototype, 'write')
    await server.watchpost.publish('note/a', { type: 'seen', data: { id: 'unmistakable', ip: 1 } })
    await server.watchpost.publish('people', { type: 'seen', data: { id: 'unmistakable', ip: 1 } })
    await Promise.all(streamsOfAll.map((stream) => stream.events(1)))
    const chunks = spy.mock.calls.map(([chunk]): unknown => chunk)
    spy.mockRestore()
    return chunks.filter((chunk) => Buffer.isBuffer(chunk) && chunk.includes('"unmistakable"'))
  }

  it('with the same mask share a feed, and its chunks are made once [WP-6.5]', async () => {
    const server = await start()
    const guests = await Promise.all(['ada', 'bob', 'eve'].map((sub) => withRole('guest', sub)))
    const chunks = await written(server, 'topics/people', guests)
    expect(await metric(server.url, 'watchpost_hub_feeds')).toBe(1)
    expect([chunks.length, new Set(chunks).size]).toEqual([3, 1])
  })

  it('with different masks do not [WP-6.5]', async () => {
    const server = await start()
    const roles = await Promise.all(['guest', 'moderator', 'guest'].map((role, i) => withRole(role, `subject ${i}`)))
    const chunks = await written(server, 'topics/people', roles)
    expect(await metric(server.url, 'watchpost_hub_feeds')).toBe(2)
    expect([chunks.length, new Set(chunks).size]).toEqual([3, 2])
  })

  it('share a feed by a wildcard whose masks are the same for everyone [WP-6.5]', async () => {
    const server = await start()
    const roles = await Promise.all(['guest', 'moderator'].map((role) => withRole(role)))
    const chunks = await written(server, 'events?topic=note/*', roles)
    expect(await metric(server.url, 'watchpost_hub_feeds')).toBe(1)
    expect([chunks.length, new Set(chunks).size]).toEqual([2, 1])
  })

  it('share one by a wildcard with a mask by function only if they are the same [WP-6.5] [WP-6.6]', async () => {
    const server = await start()
    const one = await Promise.all([60, 120].map((seconds) => signedFor(seconds)))
    await written(server, 'events?topic=people&topic=note/*&topic=doc/*', one)
    expect(await metric(server.url, 'watchpost_hub_feeds')).toBe(1)
    await openSse(`${server.url}/v1/events?topic=people&topic=note/*&topic=doc/*`, await withRole('guest', 'somebody'))
    expect(await metric(server.url, 'watchpost_hub_feeds')).toBe(2)
  })
})

/** Two tokens of one identity, which end at different times. */
const signedFor = async (seconds: number): Promise<Headers> => ({
  authorization: `Bearer ${await sign({ role: 'guest', exp: Math.floor(Date.now() / 1_000) + seconds })}`,
})

describe('a mask that fails', () => {
  const failing: readonly (readonly [name: string, mask: () => unknown])[] = [
    ['throws', () => JSON.parse('{')],
    ['gives nothing', () => undefined],
    ['gives one text', () => '/ip'],
    ['gives a promise', () => Promise.resolve(['/ip'])],
    ['gives a promise that is rejected', () => Promise.reject(new Error('later'))],
    ['gives what is no pointer', () => ['ip']],
    ['gives numbers', () => [7]],
  ]

  const failingWith = (mask: () => unknown): Promise<Running> => {
    const rule = mask as () => readonly string[]
    return start({
      people: topic({ ...open, key: '/id', mask: (context) => (isModerator(context) ? [] : rule()) }),
      other: topic({ ...open, key: '/id' }),
    })
  }

  const nothing = [...SECRETS, 'Turin', 'second', '"ada"']

  it.each(failing)('shows nothing, though it shows what follows: it %s [WP-6.5]', async (_name, mask) => {
    const server = await failingWith(mask)
    await publish(server, 'people', person(1))
    const [guest, { url }] = [await withRole('guest'), server]
    const streamed = await Promise.all(
      ['people&topic=other&after=earliest', '*&after=earliest', '*'].map((topics) =>
        openSse(`${url}/v1/events?topic=${topics}`, guest),
      ),
    )
    const talking = await talk(server, guest)
    await talking.connection.request('subscribe', { topic: 'people', after: 'earliest' })
    await talking.connection.request('subscribe', { topic: '**', after: 'earliest' })
    await publish(server, 'people', person(2))
    await publish(server, 'other', { id: 'end' })
    for (const stream of streamed) {
      expect((await stream.events(1)).map(({ data }) => data['data'])).toEqual([{ id: 'end' }])
    }
    await vi.waitFor(() => expect(JSON.stringify(talking.messages)).toContain('"end"'), 20_000)
    await talking.connection.close()
    for (const secret of nothing) expect(JSON.stringify(talking.messages)).not.toContain(secret)
    const paths = [
      'topics/people?',
      'topics/people?last=1&',
      'topics/people?wait=0&after=earliest&',
      'state/people?',
      'events?topic=*&',
    ]
    for (const path of paths) {
      const { body } = await get(`${url}/v1/${path}key=ada`, guest)
      for (const secret of nothing) expect(JSON.stringify(body)).not.toContain(secret)
    }
    // It is the mask that fails, and not the rest.
    expect((await pages('')(server, await withRole('moderator'), 'people')).data).toEqual([person(1), person(2)])
  })

  it('shows nothing of a state that comes first [WP-6.5] [WP-4.6]', async () => {
    const server = await failingWith(() => JSON.parse('{'))
    await publish(server, 'people', person(1))
    const talking = await talk(server, await withRole('guest'))
    // Refused or empty, but not half of it.
    const asked = talking.connection.request('subscribe', { topic: 'people', state: true })
    const refused = await asked.then(
      () => undefined,
      (error: unknown) => String(error),
    )
    const isOver = ({ type, data }: Json): boolean => type === 'snapshot' && data.more === false
    if (refused === undefined) await vi.waitFor(() => expect(talking.messages.some(isOver)).toBe(true), 20_000)
    for (const secret of nothing) expect(`${refused} ${JSON.stringify(talking.messages)}`).not.toContain(secret)
    await talking.connection.close()
  })
})
