/** Runs the built program as its users do: as a process, in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'
import { keepCredentials, overhear } from './fixtures/secrets-notes.ts'

/** The built program. */
export const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

/** A program that is running. */
export interface Started {
  readonly child: ChildProcess
  /** What it wrote so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  readonly ended: Promise<Ended>
}

const running = new Set<ChildProcess>()
const folders: string[] = []

export function startProgram(args: readonly string[], { cwd, env = {}, stdin }: RunOptions = {}): Started {
  const child = spawn(process.execPath, [MAIN, ...args], {
    ...(cwd !== undefined && { cwd }),
    env: { PATH: process.env['PATH'], NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  running.add(child)
  const isServer = args[0] === 'serve' || args[0] === 'dev'
  // What other commands print is their result, and may be the one new key or token that it is to be.
  overhear(child, { stdoutIsLog: isServer })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin ?? '')
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      running.delete(child)
      if (!isServer) keepMade(stdout)
      resolve({ code, stdout, stderr })
    })
  })
  return { child, stdout: () => stdout, stderr: () => stderr, ended }
}

/** Keys and tokens that a command has made. */
function keepMade(stdout: string): void {
  for (const [made] of stdout.matchAll(/wpk_\w[\w-]+|eyJ[\w-]+\.[\w-]+\.[\w-]+/g))
    keepCredentials(made, 'what a command made')
}

export const runProgram = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  startProgram(args, options).ended

/** A new folder, with files in it. */
export function folderWith(files: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'watchpost-cli-'))
  folders.push(folder)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

/** Ends what still runs and removes all folders. */
export async function cleanUp(): Promise<void> {
  for (const child of running) child.kill('SIGKILL')
  await until(() => running.size === 0)
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** @throws when it does not come true in time */
export async function until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${condition.toString()}`)
    await sleep(10)
  }
}

export interface Serving extends Started {
  readonly url: string
  readonly port: number
  readonly stop: () => Promise<Ended>
}

/** `watchpost serve` in a folder, once it listens. */
export async function serveIn(cwd: string, port = 0): Promise<Serving> {
  const started = startProgram(['serve', '--port', String(port)], { cwd })
  const urlOf = (): string | undefined => /"url":"([^"]+)"/.exec(started.stdout())?.[1]
  await until(() => urlOf() !== undefined || started.child.exitCode !== null)
  const url = urlOf()
  if (url === undefined) throw new Error(`serve ended: ${started.stdout()}${started.stderr()}`)
  const stop = (): Promise<Ended> => {
    started.child.kill('SIGTERM')
    return started.ended
  }
  return { ...started, url, port: Number(new URL(url).port), stop }
}

/** A URL where nothing listens. */
export async function nobodysUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return `http://127.0.0.1:${port}`
}

/** Three topics that anyone may use. `n` takes `{ "n": <whole number> }` and is not keyed. */
export const CONFIG: string = JSON.stringify({
  topics: {
    stocks: {
      description: 'Prices as they change',
      events: {
        priceUpdate: {
          type: 'object',
          required: ['symbol', 'price'],
          properties: { symbol: { type: 'string' }, price: { type: 'number', exclusiveMinimum: 0 } },
        },
      },
      key: '/symbol',
      watch: 'anyone',
      publish: 'anyone',
    },
    'n/{name}': {
      events: { n: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } } },
      watch: 'anyone',
      publish: 'anyone',
    },
    'any/{name}': { events: { any: {}, other: {} }, watch: 'anyone', publish: 'anyone' },
  },
})

/**
 * `watchpost serve` for all tests of a file, which are cleaned up after.
 * @param config of three topics, if there is none
 * @returns where it listens, once the tests run
 */
export function serveForAll(config: string = CONFIG): { readonly url: string } {
  let server: Serving | undefined
  beforeAll(async () => {
    server = await serveIn(folderWith({ 'watchpost.config.json': config }))
  })
  afterAll(cleanUp)
  return {
    get url() {
      if (server === undefined) throw new Error('ask for it in a test')
      return server.url
    },
  }
}

interface Logged {
  readonly id: string
  readonly type: string
  readonly topic: string
  readonly key?: string
  readonly data: unknown
  readonly timestamp: string
}

/** All events of a topic, as the server pages them. */
export async function eventsOf(url: string, topic: string): Promise<readonly Logged[]> {
  const events: Logged[] = []
  for (let after = 'earliest', more = true; more; ) {
    const response = await fetch(`${url}/v1/topics/${topic}?limit=1000&after=${after}`)
    if (!response.ok) throw new Error(await response.text())
    const page = (await response.json()) as { events: Logged[]; cursor: string; more: boolean }
    events.push(...page.events)
    after = page.cursor
    more = page.more
  }
  return events
}

/** The records that an import wrote down as done, 0 if it wrote nothing yet. */
export function recordsDone(checkpoint: string): number {
  if (!existsSync(checkpoint)) return 0
  return (JSON.parse(readFileSync(checkpoint, 'utf8')) as { records: number }).records
}

/** Runs a program whose stdout is closed after its first bytes, as `head` does. */
export async function runAndLeave(args: readonly string[]): Promise<Pick<Ended, 'code' | 'stderr'>> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  overhear(child, { stdoutIsLog: false })
  child.stdout.once('data', () => child.stdout.destroy())
  const stderr = text(child.stderr)
  const code = await new Promise<number | null>((resolve) => {
    child.on('exit', resolve)
  })
  running.delete(child)
  return { code, stderr: await stderr }
}
