/** The packed package in each runtime that it is said to work in: the process is the runtime's, the server is real. */
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest'
import { FaultProxy } from './fixtures/fault-proxy.ts'
import { installPackage, ROOT } from './fixtures/installed.ts'
import { numbers, startServer } from './harness.ts'

const SCRIPT = fileURLToPath(new URL('fixtures/runtime-watch.mjs', import.meta.url))
const SOON = { timeout: 60_000, interval: 20 }
/** As many as the script counts with. */
const COUNT = 10

/** The runtimes beside the one that runs this, with the arguments that come before a script's name. */
const RUNTIMES = {
  // It may speak to the server, and do nothing else: neither files nor the environment.
  deno: {
    variable: 'WATCHPOST_DENO',
    args: ['run', '--no-prompt', '--node-modules-dir=manual', '--allow-net=127.0.0.1'],
  },
  bun: { variable: 'WATCHPOST_BUN', args: ['run', '--no-install'] },
} as const

let project = ''

beforeAll(() => {
  ;({ project } = installPackage())
  copyFileSync(SCRIPT, join(project, 'main.mjs'))
  symlinkSync(join(ROOT, 'node_modules', 'ws'), join(project, 'node_modules', 'ws'))
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

/** Of the processes: their caches go with the project. */
const environment = () => ({
  ...{ PATH: process.env['PATH'], HOME: project, DENO_DIR: join(project, 'deno'), NO_COLOR: '1' },
})

/** Skips the test with its reason, except in CI, where it fails. */
function demand(runtime: keyof typeof RUNTIMES, context: TestContext): string {
  const { variable } = RUNTIMES[runtime]
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const named = process.env[variable]
  const candidates = [...(named === undefined ? [] : [named]), ...folders.map((folder) => join(folder, runtime))]
  const found = candidates.find((path) => existsSync(path))
  if (found !== undefined) return found
  const reason = `no ${runtime} on the PATH; name one in ${variable} (npm ${runtime})`
  if (process.env['CI'] === 'true') throw new Error(`${reason}; CI must have it`)
  console.log(`skipped: ${reason}`)
  return context.skip(reason)
}

interface Ways {
  readonly [name: string]: readonly string[] | undefined
}

interface Ran {
  readonly seen: {
    readonly name: string
    readonly numbers: unknown
    readonly statuses: string[]
    readonly state: number
  }[]
  /** By name, the requests that did not publish, or read the state. */
  readonly requests: Readonly<Record<string, string[]>>
}

/** Runs the script, each way through a proxy of its own, which cuts the connections when all have come half of the way. */
async function run(command: string, args: readonly string[], ways: Ways): Promise<Ran> {
  const server = await startServer()
  await server.watchpost.publish('stocks', { type: 'price', data: { symbol: 'A', price: 1 } })
  await server.publish('log', 0, COUNT)
  const proxies = new Map<string, FaultProxy>()
  for (const name of Object.keys(ways)) proxies.set(name, await FaultProxy.start(server.url))
  const wanted = Object.entries(ways).map(([name, transports]) => ({ name, transports, url: proxies.get(name)?.url }))
  // It has to end by itself; this is only so that it does not stay if it does not.
  const options = { cwd: project, env: environment(), timeout: 100_000, killSignal: 'SIGKILL' } as const
  let stdout = ''
  const ended = new Promise<void>((resolve, reject) => {
    const child = execFile(command, [...args, 'main.mjs', JSON.stringify(wanted)], options, (error, _all, stderr) => {
      if (error === null) resolve()
      else reject(new Error(`${error.message}\n${stdout}${stderr}`))
    })
    child.stdout?.on('data', (text: string) => (stdout += text))
  })
  const allSaid = (what: string): Promise<void> =>
    expect.poll(() => wanted.every(({ name }) => stdout.includes(`${name} is ${what}`)), SOON).toBe(true)
  const cut = async (): Promise<void> => {
    await allSaid('halfway')
    for (const proxy of proxies.values()) {
      // Else a runtime whose long poll was cut off sends it again by itself, and its client never hears of it.
      proxy.faults.refuses = true
      proxy.cut()
    }
    await allSaid('cut off')
    for (const proxy of proxies.values()) proxy.faults.refuses = false
    await server.publish('log', COUNT, COUNT)
  }
  await Promise.all([ended, Promise.race([cut(), ended])])
  const { seen } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Pick<Ran, 'seen'>
  const published = (await (await fetch(`${server.url}/v1/topics/other`)).json()) as { events: { data: unknown }[] }
  expect(published.events.map(({ data }) => (data as { n: string }).n).toSorted()).toEqual(Object.keys(ways).toSorted())
  const requests = Object.fromEntries([...proxies].map(([name, proxy]) => [name, proxy.requests]))
  return { seen, requests }
}

function expectAll({ seen }: Ran, ways: Ways): void {
  for (const { name, statuses, ...others } of seen) {
    expect({ name, ...others }).toEqual({ name, numbers: numbers(0, COUNT * 2), state: 1 })
    // Cut off once, and there again.
    expect(statuses).toEqual(expect.arrayContaining(['connecting', 'open', 'waiting', 'closed']))
    expect(statuses.filter((status) => status === 'open').length).toBeGreaterThan(1)
  }
  expect(seen.map(({ name }) => name)).toEqual(Object.keys(ways))
}

/** Ways for which a runtime needs no help; `default` names no transports. */
const OWN: Ways = { default: undefined, sse: ['sse'], 'long-poll': ['long-poll'] }

it.for(['deno', 'bun'] as const)(
  'works in %s, by each transport, and lets the process end [WP-2.5]',
  {
    timeout: 120_000,
  },
  async (name, context) => {
    const command = demand(name, context)
    const ran = await run(command, RUNTIMES[name].args, OWN)
    expectAll(ran, OWN)
    // The runtime's own `WebSocket` is what it begins with.
    expect(ran.requests['default']?.[0]).toBe('GET /v1')
  },
)

it('is typed in Deno, by the compiler that it brings', { timeout: 120_000 }, (context) => {
  const command = demand('deno', context)
  const args = ['check', '--quiet', '--node-modules-dir=manual', 'main.ts']
  expect(() => execFileSync(command, args, { cwd: project, env: environment(), stdio: 'pipe' })).not.toThrow()
})

it('works in this Node.js, by each transport, and lets the process end [WP-2.5]', { timeout: 120_000 }, async () => {
  const ways = { ...OWN, ws: ['websocket'] }
  const ran = await run(process.execPath, [], ways)
  expectAll(ran, ways)
  expect(ran.requests['ws']?.[0]).toBe('GET /v1')
  // Node.js has a `WebSocket` of its own from 22 on; without one it begins with SSE.
  const begin = 'WebSocket' in globalThis ? /^GET \/v1$/ : /^GET \/v1\/events\?topic=log&after=earliest$/
  expect(ran.requests['default']?.[0]).toMatch(begin)
})
