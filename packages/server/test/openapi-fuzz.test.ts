/** A server is asked at random, by its own document, and must answer as the document says, whoever asks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { expectProblem } from './fixtures/http.ts'
import { Contract, type Node, type OpenApi, type Operation, operationsOf } from './fixtures/openapi-contract.ts'
import { asAdmin, asMember, WORLD } from './fixtures/openapi-world.ts'
import { answerTo, handshake } from './fixtures/raw-socket.ts'
import { type Fuzzed, type Fuzzing, findSchemathesis, runSchemathesis } from './fixtures/schemathesis.ts'
import { get, startServer, temporaryDir } from './harness.ts'

const SEED = 1

/** Bounds that are low enough to be met, and one that is not in the way of requests with everything at its most. */
const LIMITS = { waitSecondsMax: 1, filtersMax: 4, publishEventsMax: 8, headerBytesMax: 262_144 }

const DRAIN = '/v1/drain'

/** Topics that differ from others in who may use them: not each keyword of each of their schemas is tried once more. */
const ALIKE = ['prices', 'secret', 'old/{room}', 'team/{team}'].map((topic) => `/v1/topics/${topic}`)

/** Skips the test with its reason, except in CI, where it fails. */
function demandSchemathesis(context: TestContext): string {
  const found = findSchemathesis()
  if (found !== undefined) return found
  const reason = 'no schemathesis on the PATH; name one in WATCHPOST_SCHEMATHESIS (PyPI schemathesis, Python 3.10)'
  if (process.env['CI'] === 'true') throw new Error(`${reason}; CI must have it`)
  console.log(`skipped: ${reason}`)
  return context.skip(reason)
}

type Headers = Readonly<Record<string, string>>

/** A server with something in its log; its streams say something every now and then. */
async function startWorld(): Promise<string> {
  const { url } = await startServer({ ...WORLD, limits: LIMITS, heartbeatMs: 10, drainMs: 100 })
  const headers = { ...(await asAdmin()), 'content-type': 'application/json' }
  const events: Readonly<Record<string, object>> = {
    stocks: { type: 'priceUpdate', data: { symbol: 'MSFT', price: 1 } },
    prices: { type: 'rate', data: '12' },
    trees: { type: 'tree', data: { name: 'a', children: [{ name: 'b' }] } },
    'chat/lobby': { type: 'message', data: 'hi' },
    'chat/room': { type: 'message', data: { text: 'hi', ip: '127.0.0.1' } },
  }
  for (const [topic, event] of Object.entries(events)) {
    const init = { method: 'POST', headers, body: JSON.stringify([event, event]) }
    expect((await fetch(`${url}/v1/topics/${topic}`, init)).status).toBe(201)
  }
  return url
}

/** Keeps a stream open, however often it is cut, so that there is a connection to see, renew and cut. */
function keepConnected(url: string, headers: Headers): void {
  const over = new AbortController()
  onTestFinished(() => over.abort())
  const keep = async (): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        const accept = { ...headers, accept: 'text/event-stream' }
        const stream = await fetch(`${url}/v1/topics/stocks`, { headers: accept, signal: over.signal })
        await stream.text()
      } catch {
        // Cut, or over.
      }
      await sleep(10)
    }
  }
  void keep()
}

/** Asks for everything but a drain, which would be the end of all else. */
async function fuzzed(
  program: string,
  headers: Headers,
  version: string,
  { without = [DRAIN], ...how }: Pick<Fuzzing, 'phases' | 'examples'> & { readonly without?: readonly string[] },
): Promise<Fuzzed> {
  const url = await startWorld()
  if (headers['authorization'] !== undefined) keepConnected(url, headers)
  const document = (await get(`${url}/openapi.json?version=${version}`, headers)).body as OpenApi
  const offered = operationsOf(document).filter(([, path]) => !without.includes(path))
  const dir = await temporaryDir()
  const run = await runSchemathesis(program, dir, {
    ...{ document, url, authorization: headers['authorization'], seed: SEED, ...how },
    more: without.flatMap((path) => ['--exclude-path', path]),
  })
  expect(run.operations).toBe(offered.length)
  return run
}

function expectClean(who: string, { status, output, operations, cases, passedOver }: Fuzzed): void {
  console.log(`schemathesis as ${who}: ${operations} operations, ${cases} cases, ${passedOver} findings passed over`)
  if (status !== 0) throw new Error(output)
}

it('answers an admin as each document says [WP-3.18] [WP-5.2]', { timeout: 240_000 }, async (context) => {
  const program = demandSchemathesis(context)
  const admin = await asAdmin()
  const [all, atRandom] = await Promise.all([
    fuzzed(program, admin, '3.1', {
      phases: ['examples', 'coverage', 'stateful'],
      examples: 10,
      without: [DRAIN, ...ALIKE],
    }),
    fuzzed(program, admin, '3.2', { phases: ['examples', 'fuzzing'], examples: 5 }),
  ])
  expectClean('admin, OpenAPI 3.1', all)
  expectClean('admin, OpenAPI 3.2', atRandom)
  expect(all.cases).toBeGreaterThan(2_000)
  expect(atRandom.cases).toBeGreaterThan(100)
})

it('answers those who may do less as their documents say [WP-3.18] [WP-6.3]', { timeout: 240_000 }, async (context) => {
  const program = demandSchemathesis(context)
  const how = { phases: ['examples', 'fuzzing'], examples: 5 } as const
  const [member, anonymous] = await Promise.all([
    fuzzed(program, await asMember(), '3.2', how),
    fuzzed(program, {}, '3.1', how),
  ])
  expectClean('member', member)
  expectClean('anonymous', anonymous)
  for (const { cases } of [member, anonymous]) expect(cases).toBeGreaterThan(100)
})

it('drains as its document says [WP-3.17]', { timeout: 120_000 }, async (context) => {
  const program = demandSchemathesis(context)
  const url = await startWorld()
  const headers = await asAdmin()
  const { body: document } = await get(`${url}/openapi.json`, headers)
  const run = await runSchemathesis(program, await temporaryDir(), {
    ...{ document, url, authorization: headers['authorization'], seed: SEED },
    ...{ phases: ['examples', 'coverage', 'fuzzing'], examples: 10 },
    more: ['--include-path', DRAIN],
  })
  expectClean('admin, draining', run)
  expect((await get(`${url}/readyz`)).status).toBe(503)
})

it('does not pass where a document lies', { timeout: 120_000 }, async (context) => {
  const program = demandSchemathesis(context)
  const url = await startWorld()
  const { body: document } = await get(`${url}/openapi.json`)
  delete document.paths['/healthz'].get.responses['200']
  const { schema } = document.paths['/readyz'].get.responses['200'].content['application/json']
  schema.properties.status = { const: 'steady' }
  const { status, output } = await runSchemathesis(program, await temporaryDir(), {
    ...{ document, url, seed: SEED, phases: ['coverage'], examples: 1 },
    more: ['--include-path', '/healthz', '--include-path', '/readyz'],
  })
  expect(status).toBe(1)
  for (const found of ['Undocumented status code', 'Response violates schema']) expect(output).toContain(found)
})

function operationAt(document: OpenApi, method: string, path: string): Operation {
  const found = operationsOf(document).find((each) => each[0] === method && each[1] === path)
  if (found === undefined) throw new Error(`${method} ${path} is not documented`)
  return found[2]
}

describe('what it found is mended', () => {
  it('a malformed parameter is refused on each transport, whichever it is for [WP-3.6] [WP-4.1]', async () => {
    const { url } = await startServer(WORLD)
    const accept = { accept: 'text/event-stream' }
    for (const fault of ['limit=0', 'limit=x', 'wait=-1', 'state=x', 'delta=1', 'state=true&state=true']) {
      const path = `/v1/topics/stocks?${fault}`
      const answers = [
        await get(`${url}${path}`),
        await get(`${url}${path}`, accept),
        await get(`${url}${path}&wait=0`),
        await answerTo(url, handshake(url, { path })),
      ]
      for (const answer of answers) expectProblem(answer, 'invalid-parameter')
    }
    for (const fault of ['limit=0', 'wait=x']) {
      expectProblem(await get(`${url}/v1/events?topic=stocks&${fault}`, accept), 'invalid-parameter')
    }
    for (const good of ['limit=1', 'wait=0', 'state=false', 'delta=true']) {
      expect((await answerTo(url, handshake(url, { path: `/v1/topics/stocks?${good}` }))).status).toBe(101)
    }
  })

  it('of a CloudEvent the document says what `data` its topic takes [WP-3.9]', async () => {
    const { url } = await startServer(WORLD)
    const admin = await asAdmin()
    const contract = new Contract((await get(`${url}/openapi.json`, admin)).body as OpenApi)
    const cloudEvent = { specversion: '1.0', id: '1', source: '/' }
    const events: readonly (readonly [string, object, number])[] = [
      ['stocks', { type: 'priceUpdate', data: { symbol: 'A', price: 1 } }, 201],
      ['stocks', { type: 'priceUpdate', data: { symbol: 'A', price: 'much' } }, 422],
      ['stocks', { type: 'priceUpdate', subject: 'A' }, 201],
      ['stocks', { type: 'priceUpdate' }, 422],
      ['stocks', { type: 'other', subject: 'A' }, 422],
      ['prices', { type: 'rate', data: '1' }, 201],
      ['prices', { type: 'rate' }, 422],
      ['chat/lobby', { type: 'message' }, 201],
    ]
    for (const [topic, event, status] of events) {
      const body = JSON.stringify({ ...cloudEvent, ...event })
      const headers = { ...admin, 'content-type': 'application/cloudevents+json' }
      const answer = await fetch(`${url}/v1/topics/${topic}`, { method: 'POST', headers, body })
      expect([body, answer.status]).toEqual([body, status])
      const { requestBody } = operationAt(contract.document, 'post', `/v1/topics/${topic}`)
      const media = requestBody?.['content']['application/cloudevents+json'] as Node
      const fault = contract.schemaFault(media['schema'] as Node, JSON.parse(body))
      expect([body, fault === undefined]).toEqual([body, status === 201])
    }
  })

  it('the document says how many segments a topic has, and what none is [WP-3.3]', async () => {
    const { url } = await startServer(WORLD)
    const contract = new Contract((await get(`${url}/openapi.json`)).body as OpenApi)
    const segments = (count: number): string => Array.from({ length: count }, () => '*').join('/')
    for (const filter of [
      'a',
      '**',
      'a/*/b',
      '.a',
      '..a',
      '...',
      'a/.-',
      segments(16),
      '.',
      '..',
      'a/..',
      './a',
      segments(17),
    ]) {
      const { status } = await get(`${url}/v1/events?topic=${encodeURIComponent(filter)}`)
      const fault = contract.schemaFault({ $ref: '#/components/schemas/TopicFilter' }, filter)
      expect([filter, fault !== undefined]).toEqual([filter, status === 400])
    }
  })

  it('the document says which headers make a handshake [WP-4.1] [WP-4.2]', async () => {
    const { url } = await startServer(WORLD)
    const contract = new Contract((await get(`${url}/openapi.json`)).body as OpenApi)
    const { parameters = [] } = operationAt(contract.document, 'get', '/v1')
    const offers: readonly (readonly [string, string])[] = [
      ['Connection', 'Upgrade'],
      ['Connection', 'keep-alive, Upgrade'],
      ['Connection', 'keep-alive'],
      ['Sec-WebSocket-Protocol', 'watchpost.v1.json'],
      ['Sec-WebSocket-Protocol', 'chat, watchpost.v1.msgpack, bearer'],
      ['Sec-WebSocket-Protocol', 'chat'],
      ['Sec-WebSocket-Protocol', 'watchpost.v1.jsonp'],
    ]
    for (const [name, value] of offers) {
      const { status } = await answerTo(url, handshake(url, { headers: { [name]: value } }))
      const schema = parameters.find((each) => each['name'] === name)?.['schema'] as Node
      expect([value, contract.schemaFault(schema, value) === undefined]).toEqual([value, status === 101])
    }
  })

  it('the list of connections links to what can be done with them [WP-3.16]', async () => {
    const { url } = await startServer(WORLD)
    const document = (await get(`${url}/openapi.json`, await asAdmin())).body as OpenApi
    const links = operationAt(document, 'get', '/v1/connections').responses['200']?.['links'] as Node
    const known = operationsOf(document).map(([, , { operationId }]) => operationId)
    const linked = Object.values(links).map((link: Node) => link['operationId'] as string)
    expect(linked.map((id) => known.includes(id))).toEqual([true, true])
  })
})
