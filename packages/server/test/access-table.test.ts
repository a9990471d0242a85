/** Who may do what, and how: everyone tries everything, over real sockets, and the table of it is printed. */
import { afterAll, describe, expect, it } from 'vitest'
import { type Asking, COLUMNS } from './fixtures/access-asking.ts'
import { isAdmin, OPERATIONS, WATCHER } from './fixtures/access-operations.ts'
import { may } from './fixtures/access-oracle.ts'
import { definitions, LEGEND, printed, type Row } from './fixtures/access-print.ts'
import { Socket } from './fixtures/access-socket.ts'
import { ATTEMPTS, type Attempt, answered, told } from './fixtures/access-twins.ts'
import { ASKED, type Asked, type Caller, startCertified, startWorld, type World } from './fixtures/access-world.ts'
import { headOf } from './fixtures/http.ts'
import { openSse } from './harness.ts'

const table: Row[] = []
const operations: Row[] = []
const notes: string[] = []

const namesOf = (columns: readonly { readonly name: string }[]): readonly string[] => columns.map(({ name }) => name)

afterAll(() => {
  const tables = [
    definitions(ASKED),
    printed(namesOf(COLUMNS), table),
    LEGEND,
    printed(namesOf(OPERATIONS), operations),
    ...notes,
  ]
  console.log(tables.join('\n\n'))
})

describe('everyone who tries everything', () => {
  /** Tries it all, and gives the table. */
  async function tried({ url, callers }: World): Promise<readonly Row[]> {
    const before = await headOf(url)
    const rows: Row[] = []
    const faults: string[] = []
    for (const caller of callers) {
      const socket = await Socket.open(`${caller.url}/v1`, caller.headers)
      const asking: Asking = { caller, socket, wildcards: new Map() }
      for (const asked of ASKED) {
        const cells: string[] = []
        for (const { name, expected, ask } of COLUMNS) {
          const [came, due] = [await ask(asking, asked), expected(caller, asked)]
          cells.push(came.cell)
          if (came.cell === due.cell && came.problem === due.problem) continue
          faults.push(
            `${caller.name}, ${asked.name}, ${name}: ${JSON.stringify(came)} instead of ${JSON.stringify(due)}`,
          )
        }
        rows.push({ caller: caller.name, topic: asked.name, cells })
      }
    }
    table.push(...rows)
    expect(faults).toEqual([])
    // What was refused left nothing behind.
    const published = rows.flatMap(({ cells }) => cells.slice(-2)).filter((cell) => cell === '201' || cell === 'ok')
    expect(await headOf(url)).toBe(before + published.length)
    return rows
  }

  it('comes as far as the rules say, on every transport [WP-6.1] [WP-6.3] [WP-6.6] [WP-3.5] [WP-3.12] [WP-4.1]', {
    timeout: 120_000,
  }, async () => {
    const world = await startWorld()
    expect(await tried(world)).toHaveLength(world.callers.length * ASKED.length)
  })

  it('comes as far with a client certificate [WP-6.1] [WP-6.6]', { timeout: 120_000 }, async () => {
    const world = await startCertified()
    // Its own URL is for clients that speak TLS.
    const url = world.callers[0]?.url ?? ''
    expect(await tried({ ...world, url })).toHaveLength(world.callers.length * ASKED.length)
  })
})

describe('everyone who tries what is not about a topic', () => {
  it('comes as far as the rules say [WP-3.14] [WP-3.15] [WP-3.16] [WP-3.17] [WP-6.1] [WP-6.6]', async () => {
    const { url, callers } = await startWorld()
    const watcher = callers.find(({ name }) => name === WATCHER) as Caller
    const stream = await openSse(`${url}/v1/topics/open`, watcher.headers)
    const { data } = (await stream.next(({ event }) => event === 'welcome')).data as { data: { connection: string } }
    const world = { url, connection: data.connection }
    // What admins do changes what others meet.
    for (const caller of callers.toSorted((a, b) => Number(isAdmin(a)) - Number(isAdmin(b)))) {
      const cells: string[] = []
      const due: string[] = []
      for (const { ask, expected } of OPERATIONS) {
        cells.push(await ask(world, caller))
        due.push(expected(caller))
      }
      operations.push({ caller: caller.name, topic: '', cells })
      expect([caller.name, ...cells]).toEqual([caller.name, ...due])
      // Until an admin ends it.
      if (!isAdmin(caller)) expect(stream.messages.map(({ event }) => event)).toEqual(['welcome'])
    }
    await stream.ended
    expect(stream.messages.at(-1)).toMatchObject({ event: 'error', data: { error: { type: '/problems/forbidden' } } })
  })
})

describe('a topic that may not be seen', () => {
  /** Of the same length, under no definition. */
  const twinOf = (name: string): string => `y${name.slice(1)}`

  it('is, byte for byte, one that there is not, whatever is asked of it over HTTP [WP-6.3] [WP-4.1]', {
    timeout: 120_000,
  }, async () => {
    const { callers } = await startWorld()
    const answersOf = async ({ url, headers }: Caller, name: string): Promise<readonly string[]> => {
      const answers: string[] = []
      for (const attempt of ATTEMPTS) answers.push(await answered(url, attempt, name, headers))
      return answers
    }
    const pairs = unseen(callers)
    await eightAtATime(pairs, async ([caller, asked]) => {
      const [its, twins] = await Promise.all([answersOf(caller, asked.name), answersOf(caller, twinOf(asked.name))])
      expect(its.every((answer) => /^HTTP\/1\.1 [1-5]\d\d /.test(answer))).toBe(true)
      expect([caller.name, asked.name, ...its]).toEqual([caller.name, asked.name, ...twins])
    })
    // Of what may be seen there would be something else.
    const [nobody] = callers as readonly [Caller]
    const page = ATTEMPTS.find(({ target }) => target === '/v1/topics/NAME') as Attempt
    const [its, twins] = [
      await answered(nobody.url, page, 'open', {}),
      await answered(nobody.url, page, twinOf('open'), {}),
    ]
    expect(its).not.toBe(twins)
    const compared = pairs.length * ATTEMPTS.length
    notes.push(
      `${compared} answers about topics that may not be seen are, byte for byte, those about topics that do not exist.`,
    )
  })

  it('is, word for word, one that there is not, whatever is asked of it by WebSocket [WP-6.3] [WP-4.3]', async () => {
    const { callers } = await startWorld()
    for (const [{ url, headers }, asked] of unseen(callers)) {
      const [its, twins] = [await told(url, asked.name, headers), await told(url, twinOf(asked.name), headers)]
      expect(its).toEqual(twins)
      expect(its.filter((answer) => !answer.startsWith('{"type":"error"'))).toEqual([])
    }
  })

  it('is in no wildcard, neither when it has an event nor when it comes into being [WP-6.3]', async () => {
    const { url, callers, watchpost } = await startWorld()
    const caller = callers.find(({ name }) => name === 'token, rooms lobby') as Caller
    const stream = await openSse(`${url}/v1/events?topic=room/*&topic=team/**`, caller.headers)
    await stream.next(({ event }) => event === 'welcome')
    for (const topic of ['room/attic', 'team/red', 'room/cellar', 'room/lobby'] as const) {
      await watchpost.publish(topic, { type: 'line', data: { n: 4 } })
    }
    expect((await stream.events(1)).map(({ data }) => data['topic'])).toEqual(['room/lobby'])
  })
})

/** Some answers take seconds, since the server waits for the rest of a request that does not come. */
async function eightAtATime<T>(all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const actInTurn = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await act(next)
  }
  await Promise.all(Array.from({ length: 8 }, actInTurn))
}

/** Of each kind of credentials one, and one who could do the same with topics beside. */
const BLIND: readonly string[] = ['nobody', 'token, no rights', 'token, rooms attic', 'API key, publish team/*']

/** Some who may see little, with all that they may neither watch nor publish to. */
const unseen = (callers: readonly Caller[]): readonly (readonly [Caller, Asked])[] =>
  callers
    .filter(({ name }) => BLIND.includes(name))
    .flatMap((caller) =>
      ASKED.filter(
        (asked) => asked.template !== undefined && !may('watch', caller, asked) && !may('publish', caller, asked),
      ).map((asked): [Caller, Asked] => [caller, asked]),
    )
