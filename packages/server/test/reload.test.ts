/** SIGHUP: another configuration for a server that runs, whose connections stay. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { type ApiKey, type Config, ConfigError, createWatchpost, type Topics, topic } from 'watchpost'
import { WebSocket } from 'ws'
import { newApiKey } from '../src/auth/api-keys.ts'
import { cleanUp, folderWith, type Serving, serveIn, until } from './cli-process.ts'
import { keyPair, pemOf, SECRET, sign } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { get, type OpenStream, openSse, post, temporaryDir } from './harness.ts'

afterAll(cleanUp)

const OPEN = { events: { n: {} }, watch: 'anyone', publish: 'anyone' } as const

const NAME = 'watchpost.config.json'

interface Reloading extends Serving {
  readonly folder: string
  /** The log so far, as far as it is of a level of at least `warn`. */
  readonly complaints: () => readonly {
    readonly level: number
    readonly msg: string
    readonly settings?: readonly string[]
  }[]
  /** Puts another configuration in the place of the file, sends the signal, and waits for a log line that has `expected`. */
  readonly reload: (config: object | string, expected?: string) => Promise<void>
}

async function serving(config: object): Promise<Reloading> {
  const folder = folderWith({ [NAME]: JSON.stringify(config) })
  const server = await serveIn(folder)
  const lines = (text: string): number => server.stdout().split(text).length - 1
  return {
    ...server,
    folder,
    complaints: () =>
      server
        .stdout()
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { level: number; msg: string }]))
        .filter(({ level }) => level >= 40),
    reload: async (other, expected = 'the configuration was read again') => {
      const before = lines(expected)
      // In one step, as whoever deploys it should.
      writeFileSync(join(folder, 'new'), typeof other === 'string' ? other : JSON.stringify(other))
      renameSync(join(folder, 'new'), join(folder, NAME))
      server.child.kill('SIGHUP')
      await until(() => lines(expected) > before)
    },
  }
}

interface Socket {
  readonly messages: { type: string; topic?: string; data?: unknown; error?: { type: string }; re?: string }[]
  readonly isOpen: boolean
  ask(type: string, data?: object): void
  until(fits: (message: Socket['messages'][number]) => boolean): Promise<Socket['messages'][number]>
}

async function openSocket(url: string): Promise<Socket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1`)
  onTestFinished(() => socket.terminate())
  const messages: Socket['messages'] = []
  socket.on('message', (data) => messages.push(JSON.parse((data as Buffer).toString()) as Socket['messages'][number]))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return {
    messages,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN
    },
    ask: (type, data) => socket.send(JSON.stringify({ type, ...(data && { data }) })),
    until: async (fits) => {
      await until(() => messages.some(fits))
      return messages.find(fits) as Socket['messages'][number]
    },
  }
}

const publish = (url: string, name: string, data: unknown, headers = {}): ReturnType<typeof post> =>
  post(`${url}/v1/topics/${name}`, { type: 'n', data }, headers)

describe('topics', () => {
  it('come and go at once, and all else goes on [WP-6.3]', async () => {
    const { url, reload, stop } = await serving({ topics: { kept: OPEN, gone: OPEN, 'chat/{room}': OPEN } })
    const wild = await openSse(`${url}/v1/events?topic=**`)
    const kept = await openSse(`${url}/v1/topics/kept`)
    const gone = await openSse(`${url}/v1/topics/gone`)
    const socket = await openSocket(url)
    for (const filter of ['kept', 'gone', 'chat/*', 'new/*']) socket.ask('subscribe', { topic: filter })
    await until(() => socket.messages.filter(({ type }) => type === 'subscribed').length === 4)
    const poll = get(`${url}/v1/topics/gone?wait=50`)
    const other = get(`${url}/v1/topics/kept?wait=50`)
    for (const stream of [wild, kept, gone]) await stream.next(({ event }) => event === 'welcome')
    expect((await publish(url, 'new/1', 0)).status).toBe(404)

    await reload({ topics: { kept: OPEN, 'new/{x}': OPEN, 'chat/{room}': OPEN } })
    expectProblem(await poll, 'unknown-topic')
    expectProblem(await publish(url, 'gone', 1), 'unknown-topic')
    await gone.ended
    const told = gone.messages.find(({ event }) => event === 'error')
    expect(told?.data).toMatchObject({ error: { type: '/problems/unknown-topic' } })
    await socket.until(({ type, data }) => type === 'unsubscribed' && (data as { topic: string }).topic === 'gone')
    const errors = socket.messages.filter(({ type }) => type === 'error')
    expect(errors.map(({ error }) => error?.type)).toEqual(['/problems/unknown-topic'])

    for (const name of ['new/1', 'chat/a', 'kept']) expect((await publish(url, name, name)).status).toBe(201)
    const topicsOf = (events: readonly { data: Record<string, unknown> }[]): unknown[] =>
      events.map(({ data }) => data['topic'])
    expect(topicsOf(await wild.events(3))).toEqual(['new/1', 'chat/a', 'kept'])
    expect(topicsOf(await kept.events(1))).toEqual(['kept'])
    await until(() => socket.messages.filter(({ type }) => type === 'n').length === 3)
    expect((await other).body.events).toHaveLength(1)
    expect(socket.isOpen).toBe(true)
    for (const { messages } of [wild, kept]) {
      expect(messages.filter(({ event }) => event === 'welcome')).toHaveLength(1)
    }
    const listed = (await get(`${url}/v1/topics`)).body.topics as readonly { topic: string }[]
    expect(listed.map((each) => each.topic).sort()).toEqual(['chat/{room}', 'kept', 'new/{x}'])
    expect((await stop()).code).toBe(0)
  })

  it('have their events back when they come back [WP-2.5]', async () => {
    const both = { topics: { a: OPEN, b: OPEN } }
    const { url, reload, stop } = await serving(both)
    const { body } = await publish(url, 'a', 1)
    await reload({ topics: { b: OPEN } })
    expectProblem(await get(`${url}/v1/topics/a`), 'unknown-topic')
    await reload(both)
    expect((await get(`${url}/v1/topics/a`)).body.events).toMatchObject([{ id: body.events[0].id, data: 1 }])
    await stop()
  })

  it('take new rules, masks, schemas and ways to watch [WP-6.1] [WP-6.5] [WP-3.5]', async () => {
    const { url, reload, stop } = await serving({ topics: { a: OPEN, b: OPEN } })
    const streams = [await openSse(`${url}/v1/topics/a`), await openSse(`${url}/v1/events?topic=*`)]
    const onlyPages = await openSse(`${url}/v1/topics/b`)
    const events = { n: { type: 'object' } }
    await reload({ topics: { a: { ...OPEN, events, mask: ['/ip'] }, b: { ...OPEN, transports: ['page'] } } })
    await onlyPages.ended
    expect(onlyPages.messages.at(-1)?.data).toMatchObject({ error: { type: '/problems/transport-not-offered' } })
    expectProblem(await publish(url, 'a', 1), 'invalid-event')
    await publish(url, 'b', { ip: '::1' })
    await publish(url, 'a', { ip: '::1', n: 1 })
    for (const stream of streams) {
      expect((await stream.events(1)).map(({ data }) => data['data'])).toEqual([{ n: 1 }])
    }
    await reload({ topics: { a: { ...OPEN, watch: 'granted' }, b: OPEN } })
    await streams[0]?.ended
    expect(streams[0]?.messages.at(-1)?.data).toMatchObject({ error: { type: '/problems/unauthorized' } })
    await publish(url, 'a', 2)
    await publish(url, 'b', 2)
    expect((await streams[1]?.events(2))?.map(({ data }) => data['topic'])).toEqual(['a', 'b'])
    await stop()
  })

  it('are trimmed by what they keep now [WP-6.4]', async () => {
    const { url, reload, stop } = await serving({ topics: { a: OPEN, b: OPEN } })
    for (let n = 0; n < 20; n++) for (const name of ['a', 'b']) await publish(url, name, n)
    await reload({ topics: { a: OPEN, b: { ...OPEN, retention: { events: 10 } } }, retention: { events: 5 } })
    const kept = async (name: string): Promise<number> =>
      (await get(`${url}/v1/topics/${name}?after=earliest`)).body.events.length
    for (const [name, count] of [
      ['a', 5],
      ['b', 10],
    ] as const) {
      await expect.poll(() => kept(name), { timeout: 20_000 }).toBe(count)
    }
    await stop()
  })
})

describe('credentials', () => {
  const guarded = { events: { n: {} }, watch: 'authenticated', publish: 'anyone' }
  const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

  it('rotate with their secrets, and streams stay as long as theirs is known [WP-6.6] [WP-6.7]', async () => {
    const NEXT = `${SECRET.slice(1)}${SECRET}`
    const config = (...secret: readonly string[]): object => ({ topics: { a: guarded }, auth: { jwt: { secret } } })
    const { url, reload, stop } = await serving(config(SECRET))
    const [old, fresh] = [await sign(), await sign({}, { key: NEXT })]
    const ask = async (token: string): Promise<number> => (await get(`${url}/v1/topics/a`, bearer(token))).status
    const stream = await openSse(`${url}/v1/topics/a`, bearer(old))
    expect([await ask(old), await ask(fresh)]).toEqual([200, 401])
    await reload(config(SECRET, NEXT))
    expect([await ask(old), await ask(fresh)]).toEqual([200, 200])
    const next = await openSse(`${url}/v1/topics/a`, bearer(fresh))
    await publish(url, 'a', 1)
    expect(await stream.events(1)).toHaveLength(1)
    await reload(config(NEXT))
    expect([await ask(old), await ask(fresh)]).toEqual([401, 200])
    await stream.ended
    expect(stream.messages.at(-1)?.data).toMatchObject({ error: { type: '/problems/unauthorized' } })
    await publish(url, 'a', 2)
    expect(await next.events(2)).toHaveLength(2)
    const { stdout, stderr } = await stop()
    for (const secret of [SECRET, NEXT, old, fresh]) expect(stdout + stderr).not.toContain(secret)
  })

  it('that are API keys take their connections with them when they are withdrawn, or rights [WP-6.6] [WP-6.7]', async () => {
    const topics = { a: { ...OPEN, watch: 'granted' }, b: { ...OPEN, watch: 'granted' } }
    const [kept, gone] = [
      newApiKey('kept', { grants: { watch: ['a', 'b'] } }),
      newApiKey('gone', { grants: { watch: ['a'] } }),
    ]
    const config = (...apiKeys: readonly ApiKey[]): object => ({ topics, auth: { apiKeys } })
    const { url, reload } = await serving(config(kept.entry, gone.entry))
    const [keeps, loses, leaves] = [
      await openSse(`${url}/v1/topics/a`, bearer(kept.key)),
      await openSse(`${url}/v1/topics/b`, bearer(kept.key)),
      await openSse(`${url}/v1/topics/a`, bearer(gone.key)),
    ]
    await reload(config({ ...kept.entry, grants: { watch: ['a'] } }))
    const errorOf = async (stream: OpenStream): Promise<unknown> =>
      (await stream.next(({ event }) => event === 'error')).data['error']
    expect(await errorOf(leaves)).toMatchObject({ type: '/problems/unauthorized' })
    expect(await errorOf(loses)).toMatchObject({ type: '/problems/forbidden' })
    await Promise.all([leaves.ended, loses.ended])
    await publish(url, 'a', 1)
    expect(await keeps.events(1)).toHaveLength(1)
  })

  it('rotate with the files of their keys, though the configuration is the same [WP-6.6]', async () => {
    const [first, second] = [keyPair('ES256'), keyPair('ES256')]
    const file = join(folderWith({ 'key.pem': pemOf(first.publicKey) }), 'key.pem')
    const config = { topics: { a: guarded }, auth: { jwt: { keys: file, audience: 'here' } } }
    const { url, reload, complaints, stop } = await serving(config)
    const token = await sign({ aud: 'here' }, { alg: 'ES256', key: second.privateKey })
    expect((await get(`${url}/v1/topics/a`, bearer(token))).status).toBe(401)
    writeFileSync(file, pemOf(second.publicKey))
    await reload(config)
    expect((await get(`${url}/v1/topics/a`, bearer(token))).status).toBe(200)
    writeFileSync(file, 'no key')
    await reload({ ...config, topics: { b: guarded } }, "the configuration can't be used")
    expect(complaints().map(({ msg }) => msg)).toEqual([expect.stringContaining(file)])
    expect((await get(`${url}/v1/topics/a`, bearer(token))).status).toBe(200)
    await stop()
  })

  it('may be asked for by a server that asked for none, and the other way round', async () => {
    const auth = { jwt: { secret: SECRET } }
    const { url, reload, stop } = await serving({ topics: { a: guarded } })
    const status = async (): Promise<number> => (await get(`${url}/v1/topics/a`, bearer(await sign()))).status
    const before = await status()
    await reload({ topics: { a: guarded }, auth })
    const between = await status()
    await reload({ topics: { a: guarded } })
    expect([before, between, await status()]).toEqual([401, 200, 401])
    await stop()
  })
})

describe('a configuration', () => {
  it('that has faults changes nothing, and is told of as an error', async () => {
    const { url, reload, complaints, stop } = await serving({ topics: { a: OPEN } })
    const stream = await openSse(`${url}/v1/topics/a`)
    const bad: readonly (object | string)[] = [
      '{ "topics": ',
      { topics: { b: OPEN, c: { ...OPEN, wach: 'anyone' } } },
      { topics: { b: OPEN }, auth: { jwt: { secret: 'short' } } },
      { topics: { b: OPEN, 'b/{x}/{x}': OPEN } },
      // It is good, but not with the limits that run.
      {
        topics: { b: OPEN, [Array.from({ length: 20 }, () => 's').join('/')]: OPEN },
        limits: { topicSegmentsMax: 20 },
      },
    ]
    for (const config of bad) await reload(config, "the configuration can't be used; the one that runs stays: ")
    expect(complaints().map(({ level }) => level)).toEqual(bad.map(() => 50))
    expect(complaints().at(-1)?.msg).toContain('restart if it needs other limits')
    expect((await publish(url, 'b', 1)).status).toBe(404)
    expect((await publish(url, 'a', 1)).status).toBe(201)
    expect(await stream.events(1)).toHaveLength(1)
    await stop()
  })

  it('names what needs a new start, as often as it is read', async () => {
    const { url, port, reload, complaints, stop } = await serving({ topics: { a: OPEN } })
    const other = { topics: { b: OPEN }, listen: { host: '127.0.0.1' }, limits: { lastMax: 1 }, heartbeatMs: 1_000 }
    await reload(other)
    await reload(other)
    expect(complaints().map(({ settings }) => settings)).toEqual([
      ['heartbeatMs', 'limits', 'listen'],
      ['heartbeatMs', 'limits', 'listen'],
    ])
    expect((await get(`${url}/v1/topics`)).body.limits.lastMax).toBe(1_000)
    expect((await publish(url, 'b', 1)).status).toBe(201)
    await reload({ topics: { b: OPEN } })
    expect([complaints().length, Number(new URL(url).port)]).toEqual([2, port])
    await stop()
  })

  it('sets how much is logged', async () => {
    const config = { topics: { a: OPEN } }
    const { url, reload, stdout, stop } = await serving(config)
    await reload({ ...config, logLevel: 'debug' })
    await get(`${url}/v1/topics/none`)
    await until(() => stdout().includes('"level":20'))
    await reload({ ...config, logLevel: 'warn', heartbeatMs: 1_000 }, 'restart to use them')
    const lines = stdout().length
    await get(`${url}/v1/topics/none`)
    await reload({ ...config, logLevel: 'info' })
    expect(stdout().slice(lines)).not.toContain('"level":20')
    await stop()
  })

  it('is taken however often the signal comes, and not in the midst of another [WP-2.5]', async () => {
    const configs = [{ topics: { a: OPEN, b: OPEN } }, { topics: { a: { ...OPEN, mask: ['/x'] }, c: OPEN } }]
    const { url, child, folder, stdout, stop } = await serving(configs[0] ?? {})
    const stream = await openSse(`${url}/v1/topics/a`)
    const wild = await openSse(`${url}/v1/events?topic=**`)
    for (const each of [stream, wild]) await each.next(({ event }) => event === 'welcome')
    for (let n = 0; n < 40; n++) {
      writeFileSync(join(folder, 'new'), JSON.stringify(configs[n % 2]))
      renameSync(join(folder, 'new'), join(folder, NAME))
      child.kill('SIGHUP')
      expect((await publish(url, 'a', n)).status).toBe(201)
    }
    const numbers = Array.from({ length: 40 }, (_each, n) => n)
    for (const each of [stream, wild]) {
      expect((await each.events(40)).map(({ data }) => data['data'])).toEqual(numbers)
    }
    // Signals that come at the same time count as one.
    await until(() => stdout().includes('the configuration was read again'))
    expect((await stop()).code).toBe(0)
  })
})

describe('reload of the library', () => {
  it('does the same, throws what is wrong, and shows new topics to who watches [WP-6.2]', async () => {
    const config: Config = {
      topics: { a: topic(OPEN) },
      dataDir: await temporaryDir(),
      logLevel: 'silent',
    }
    const watchpost = await createWatchpost<Topics>(config)
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const message of watchpost.watch('**')) seen.push((message as { topic: string }).topic)
    })()
    expect(() => watchpost.reload({ ...config, topics: {} })).toThrow(ConfigError)
    await watchpost.publish('a', { type: 'n', data: 1 })
    watchpost.reload({ ...config, topics: { b: topic(OPEN) } })
    await expect(watchpost.publish('a', { type: 'n', data: 1 })).rejects.toThrow('No topic definition matches "a".')
    await watchpost.publish('b', { type: 'n', data: 1 })
    await until(() => seen.length === 2)
    await watchpost.close()
    await watching
    expect(seen).toEqual(['a', 'b'])
    expect(() => watchpost.reload(config)).toThrow('closed')
  })
})
