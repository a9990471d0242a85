/**
 * The fleet example: two programs, each of which is started again when it was killed. server.ts serves Watchpost and the
 * page; fleet.ts is the trains. Next: config.ts, then fleet.ts, then page/app.ts.
 */
import { fork } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The fleet stays away for long enough to see what that looks like. */
const AGAIN_AFTER_MS = { server: 1_000, fleet: 12_000 }

const dataDir = process.env['WATCHPOST_DATA_DIR'] || '.watchpost'
let port = Number(process.env['PORT'] || 8080)
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  console.error(`PORT=${process.env['PORT']} is no port; choose one: PORT=8081 npm start -w examples/fleet`)
  process.exit(1)
}

// Made as `watchpost key` makes them, anew at each start: the fleet has the key, and the server no more than its hash.
const key = `wpk_fleet_${randomBytes(32).toString('base64url')}`
const keyHash = `sha256:${createHash('sha256').update(key).digest('base64url')}`

const stopping = new AbortController()

interface Program {
  readonly name: 'server' | 'fleet'
  readonly args: () => string[]
  readonly env: Readonly<Record<string, string>>
  /** What it has to say, once it is ready. */
  readonly told?: (text: string) => void
}

/** Runs a program as a process of its own, and again when it was killed. What ends by itself ends everything. */
async function keep({ name, args, env, told }: Program): Promise<void> {
  while (!stopping.signal.aborted) {
    const child = fork(new URL(`./${name}.js`, import.meta.url), args(), { env: { ...process.env, ...env } })
    const stop = (): void => void child.kill()
    stopping.signal.addEventListener('abort', stop)
    child.on('message', (text) => told?.(text as string))
    console.log(`${name}: process ${child.pid}`)
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    stopping.signal.removeEventListener('abort', stop)
    if (stopping.signal.aborted) return
    if (signal === null) {
      process.exitCode = code ?? 1
      return stopping.abort()
    }
    console.log(`${name}: killed; it is started again in ${AGAIN_AFTER_MS[name] / 1_000} s`)
    await sleep(AGAIN_AFTER_MS[name], undefined, { signal: stopping.signal }).catch(() => {})
  }
}

mkdirSync(join(dataDir, 'fleet'), { recursive: true })
process.once('SIGINT', () => stopping.abort()).once('SIGTERM', () => stopping.abort())

const fleet = (url: string): Program => ({
  name: 'fleet',
  args: () => [url, join(dataDir, 'fleet')],
  env: { FLEET_KEY: key },
})

let isGreeted = false

function greet(url: string): void {
  if (isGreeted) return
  isGreeted = true
  // Of a server that is started again, the page and the fleet expect the same one.
  port = Number(new URL(url).port)
  console.log(`\nThe map: ${url}\nThe API: ${url}/docs\n`)
  void keep(fleet(url))
}

await keep({
  name: 'server',
  args: () => [String(port), join(dataDir, 'log')],
  env: { FLEET_KEY_HASH: keyHash },
  told: greet,
})
