/** Texts of documents: made once for all who may see the same, without keeping anybody waiting, and not kept without bounds. */
import { request } from 'node:http'
import { text as textFrom } from 'node:stream/consumers'
import { type Clock, Registry, SERVER } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { systemClock } from '../src/clock.ts'
import { type Documented, topicsFor } from '../src/documents/documented.ts'
import { jsonOf } from '../src/documents/json.ts'
import { openapiMembers } from '../src/documents/openapi/index.ts'
import { Texts, textOf } from '../src/documents/remembered.ts'
import { startServer } from './harness.ts'

const topics = { stocks: { events: { price: {} }, watch: 'anyone' } } as const

function world(): { server: { registry: Registry; clock: Clock }; documented: Documented } {
  const registry = new Registry(topics)
  const documented = {
    ...{ topics: topicsFor(registry, SERVER), limits: limitsWith(), credentials: undefined },
    ...{ baseUrl: 'https://a.example.com/live', probes: false, version: '1.2.3' },
  }
  return { server: { registry, clock: systemClock }, documented }
}

const BOUNDS = { textsMax: 3, bytesMax: 100, makingMax: 2 }

/** Texts of a given content, and how often each was made. */
function shelf(clock: Clock = systemClock): {
  ask: (subject: string, text?: string, generation?: number) => Promise<string>
  made: string[]
} {
  const texts = new Texts(clock, BOUNDS)
  const made: string[] = []
  const ask = async (subject: string, text = subject, generation = 0): Promise<string> => {
    const found = await texts.get(generation, subject, function* () {
      made.push(subject)
      yield text
    })
    return found.body('').toString()
  }
  return { ask, made }
}

describe('the text of a document', () => {
  it('is made once for all hosts, of which each is told its own', async () => {
    const { server, documented } = world()
    let count = 0
    const textAt = (baseUrl: string) =>
      textOf(server, 'openapi', { ...documented, baseUrl }, (hostless) => {
        count++
        return jsonOf(openapiMembers(hostless, '3.1'))
      })
    const urls = [documented.baseUrl, ...Array.from({ length: 100 }, (_, i) => `https://[::${i + 1}]:8080/live`)]
    const etags = new Set<string>()
    for (const url of urls) {
      const { body, etag } = await textAt(url)
      const expected = [...jsonOf(openapiMembers({ ...documented, baseUrl: url }, '3.1'))].join('')
      expect(body().toString()).toBe(expected)
      expect((await textAt(url)).etag).toBe(etag)
      etags.add(etag)
    }
    expect([count, etags.size]).toEqual([1, urls.length])
    // By another scheme or at another path, links in the document are others.
    await textAt('http://a.example.com/live')
    await textAt('https://a.example.com')
    expect(count).toBe(3)
  })

  it('has the same name when it is the same, though made by another process, and another one when it is not', async () => {
    const etagOf = async (more: Partial<Documented>): Promise<string> => {
      const { server, documented } = world()
      const text = await textOf(server, 'o', { ...documented, ...more }, (hostless) =>
        jsonOf(openapiMembers(hostless, '3.1')),
      )
      return text.etag
    }
    expect(await etagOf({})).toBe(await etagOf({}))
    expect(await etagOf({ version: '1.2.4' })).not.toBe(await etagOf({}))
  })

  it('is made once for all who ask at the same time, and one at a time', async () => {
    const texts = new Texts(systemClock, BOUNDS)
    const log: string[] = []
    const ask = (subject: string): Promise<unknown> =>
      Promise.resolve(
        texts.get(0, subject, function* () {
          log.push(`${subject} begins`)
          yield ''
          log.push(`${subject} ends`)
        }),
      )
    await Promise.all(['a', 'b', 'a', 'b', 'a'].map(ask))
    expect(log).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it('is made in stretches, between which everything else has its turn', async () => {
    let [nowMs, turns] = [0, 0]
    const clock: Clock = {
      ...systemClock,
      monotonic: () => nowMs,
      turn: () => {
        turns++
        return systemClock.turn()
      },
    }
    const texts = new Texts(clock, BOUNDS)
    await texts.get(0, 'a', function* () {
      for (let i = 0; i < 100; i++) {
        nowMs++
        yield 'x'
      }
    })
    expect(turns).toBe(50)
  })

  it('is forgotten when there are more, the least recently used first [WP-8.1]', async () => {
    const { ask, made } = shelf()
    for (const subject of ['a', 'b', 'c', 'a', 'd', 'a', 'b']) await ask(subject)
    expect(made).toEqual(['a', 'b', 'c', 'd', 'b'])
  })

  it('is forgotten when there are larger ones, and not kept at all if it is larger than all may be [WP-8.1]', async () => {
    const { ask, made } = shelf()
    await ask('a', 'a'.repeat(60))
    await ask('b', 'b'.repeat(60))
    await ask('a', 'a'.repeat(40))
    await ask('b', '')
    expect(made).toEqual(['a', 'b', 'a'])
    expect(await ask('huge', 'x'.repeat(101))).toHaveLength(101)
    await ask('huge', '')
    await ask('a')
    expect(made).toEqual(['a', 'b', 'a', 'huge', 'huge'])
  })

  it('is refused when too many others are yet to be made', async () => {
    const { ask, made } = shelf()
    const [first, second, third] = [ask('a'), ask('b'), ask('c')]
    await expect(third).rejects.toMatchObject({ problem: 'overloaded', members: { retryAfter: 1 } })
    expect(await Promise.all([first, second, ask('a')])).toEqual(['a', 'b', 'a'])
    expect([await ask('c'), made]).toEqual(['c', ['a', 'b', 'c']])
  })

  it('is made anew when the definitions are others, also when it was being made', async () => {
    const { ask, made } = shelf()
    await ask('a', 'old')
    expect(await ask('a', 'new', 1)).toBe('new')
    const [before, after] = [ask('b', 'old', 1), ask('b', 'new', 2)]
    expect(await Promise.all([before, after])).toEqual(['old', 'new'])
    expect([await ask('b', 'none', 2), made]).toEqual(['new', ['a', 'a', 'b', 'b']])
  })

  it('that could not be made is asked for again', async () => {
    const texts = new Texts(systemClock, BOUNDS)
    const failing = texts.get(0, 'a', () => {
      throw new Error('no memory')
    })
    await expect(failing).rejects.toThrow('no memory')
    const found = await texts.get(0, 'a', () => ['made'])
    expect(found.body('').toString()).toBe('made')
  })
})

/** A GET under a name of one's choice for the server. */
const asked = (url: string, host: string): Promise<{ readonly status: number | undefined; readonly text: string }> =>
  new Promise((resolve, reject) => {
    const asking = request(url, { headers: { host } }, (response) => {
      textFrom(response).then((text) => resolve({ status: response.statusCode, text }), reject)
    })
    asking.on('error', reject).end()
  })

describe('a document that is served', () => {
  it('names the host that the client asked, if it is one', async () => {
    const server = await startServer({ topics })
    const { host } = new URL(server.url)
    const hosts = [
      ...[
        [host, host],
        ['[::1]:81', '[::1]:81'],
        ['Example.COM:80', 'example.com'],
        ['a_b.example', 'a_b.example'],
      ],
      ...[
        ['a"b', 'localhost'],
        ['*a', 'localhost'],
        ["a'b", 'localhost'],
        ['&a', 'localhost'],
      ],
    ]
    for (const [sent, told] of hosts) {
      for (const format of ['json', 'yaml']) {
        const { status, text } = await asked(`${server.url}/asyncapi.${format}`, String(sent))
        const document = parse(text) as { servers: { http: { host: string } } }
        expect([status, sent, document.servers.http.host]).toEqual([200, sent, told])
        const { text: openapi } = await asked(`${server.url}/openapi.${format}`, String(sent))
        expect((parse(openapi) as { servers: object }).servers).toMatchObject([{ url: `http://${told}` }])
      }
    }
  })
})
