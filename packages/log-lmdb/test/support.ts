/** What the tests of the embedded log share. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Append, LoggedEvent, PreparedEvent } from '@watchpost/core'
import { onTestFinished } from 'vitest'
import { type LmdbLog, type LmdbLogOptions, openLmdbLog } from '../src/index.ts'

export const AT = '2026-11-22T12:34:56.789Z'

/** A directory that goes when the test ends. */
export function directory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'log-lmdb-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A log in a directory of its own, unless one is given, that is closed when the test ends. */
export async function openLog(options: Partial<LmdbLogOptions> = {}): Promise<LmdbLog> {
  const dir = options.dir ?? directory()
  const log = await openLmdbLog({ ...options, dir })
  onTestFinished(() => log.close())
  return log
}

export const event = (data: unknown, key?: string): PreparedEvent => ({
  type: 'change',
  data: JSON.stringify(data),
  timestamp: AT,
  ...(key === undefined ? {} : { key }),
})

export const append = (topic: string, ...events: readonly PreparedEvent[]): Append => ({
  topic,
  keyed: events.some(({ key }) => key !== undefined),
  events,
})

/** Reads to the head, in pages, everything of some topics, or of all. */
export function readAll(log: LmdbLog, topics?: readonly string[], eventsMax = 1_000): LoggedEvent[] {
  const found: LoggedEvent[] = []
  const upTo = log.head
  for (let after = 0; after < upTo; ) {
    const page = log.scan({ ...(topics && { topics }), after, upTo, eventsMax, charactersMax: 1_000_000 })
    found.push(...page.events)
    if (page.through <= after) throw new Error(`no way on from ${after}`)
    after = page.through
  }
  return found
}

export const offsets = (events: readonly LoggedEvent[]): number[] => events.map(({ offset }) => offset)

export const dataOf = (logged: LoggedEvent): unknown => (JSON.parse(logged.json) as { data: unknown }).data

export const countTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)

/** How many transactions were ever committed to a store, read from its file. */
export function transactions(dir: string): number {
  const file = openSync(join(dir, 'data.mdb'), 'r')
  try {
    const pages = Buffer.alloc(8_192)
    readSync(file, pages, 0, pages.length, 0)
    const pageSize = pages.readUInt32LE(48)
    return Math.max(...[0, pageSize].map((page) => Number(pages.readBigUInt64LE(page + 24 + 128))))
  } finally {
    closeSync(file)
  }
}

export interface Fixture {
  readonly process: ChildProcess
  /** The lines that it printed so far, parsed. */
  readonly lines: unknown[]
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Waits until a line fits. */
  line(fits: (line: unknown) => boolean): Promise<unknown>
}

/** Starts a file of `fixtures/`, which prints JSON lines; killed when the test ends. */
export function startFixture(
  fixture: string | { readonly name: string; readonly env: Readonly<Record<string, string>> },
  ...args: readonly string[]
): Fixture {
  const { name, env } = typeof fixture === 'string' ? { name: fixture, env: {} } : fixture
  const path = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: unknown[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line))
    for (const look of waiting) look()
  })
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  const line = (fits: (line: unknown) => boolean): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const found = lines.find(fits)
        if (found === undefined) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      void exited.then(() => reject(new Error(`${name} ended without the line that was waited for`)))
      look()
    })
  return { process: child, lines, exited, line }
}
