/** Stores that can't be opened, and stores that can't be written. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { ProblemError } from '@watchpost/protocol'
import { open } from 'lmdb'
import { describe, expect, it, type TestContext } from 'vitest'
import { openLmdbLog, StoreError } from '../src/index.ts'
import { append, countTo, dataOf, directory, event, openLog, readAll, startFixture } from './support.ts'

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0

function skip(context: TestContext, reason: string): never {
  console.log(`skipped "${context.task.name}": ${reason}`)
  context.skip(reason)
}

async function failureOf(dir: string): Promise<StoreError> {
  try {
    const log = await openLmdbLog({ dir })
    await log.close()
  } catch (error) {
    expect(error).toBeInstanceOf(StoreError)
    return error as StoreError
  }
  throw new Error(`${dir} could be opened`)
}

/** A store with events of all sizes, closed. */
async function filledStore(): Promise<string> {
  const dir = directory()
  const log = await openLmdbLog({ dir })
  for (const n of countTo(40)) await log.append(append(`t${n % 4}`, event('x'.repeat(n * 300), `k${n}`)))
  await log.trim('t1', { events: 3 }, 1_000)
  await log.close()
  return dir
}

describe('a store that can not be opened', () => {
  it('because a file stands where the directory should be', async () => {
    const path = join(directory(), 'file')
    writeFileSync(path, '')
    for (const dir of [path, join(path, 'below')]) {
      const { code, message } = await failureOf(dir)
      expect(code).toBe('not-a-directory')
      expect(message).toContain(dir)
    }
  })

  it.each([
    ['the directory', '.', 0o555],
    ['the data file', 'data.mdb', 0o444],
    ['the lock file', 'lock.mdb', 0o444],
  ])('because %s may not be written', async (_what, name, mode) => {
    const dir = await filledStore()
    if (isRoot) execFileSync('chown', ['-R', String(NOBODY), dir])
    chmodSync(join(dir, name), mode)
    const child = startFixture('opener.mjs', dir, ...(isRoot ? [String(NOBODY)] : []))
    expect(await child.line(() => true)).toMatchObject({
      name: 'StoreError',
      code: 'permission',
      message: expect.stringContaining(dir) as string,
    })
  })

  it.each([
    ['text', 'this is not a database'],
    ['of another database', `SQLite format 3\0${'\0'.repeat(8_192)}`],
  ])('because data.mdb is a file %s', async (_what, content) => {
    const dir = directory()
    writeFileSync(join(dir, 'data.mdb'), content)
    expect((await failureOf(dir)).code).toBe('foreign')
    expect(readFileSync(join(dir, 'data.mdb'), 'utf8')).toBe(content)
  })

  it('because another application keeps its LMDB there', async () => {
    const dir = directory()
    const other = open({ path: dir, noSubdir: false })
    await other.openDB('contacts', {}).put('name', 'value')
    await other.close()
    const { code, message } = await failureOf(dir)
    expect(code).toBe('foreign')
    expect(message).toContain('contacts')
    const again = open({ path: dir, noSubdir: false })
    expect(again.openDB('contacts', {}).get('name')).toBe('value')
    expect([...again.getKeys()]).toEqual(['contacts'])
    await again.close()
  })

  it('because a newer version wrote it', async () => {
    const dir = await filledStore()
    const raw = open({ path: dir, noSubdir: false })
    await raw.openDB('watchpost', {}).put('format', 99)
    await raw.close()
    const { code, message } = await failureOf(dir)
    expect(code).toBe('newer-format')
    expect(message).toContain('99')
  })

  it.each([100, 4_096, 5_000, 8_192, 20_000, 0.3, 0.6, 0.9])('because its file was cut short (to %d)', async (size) => {
    const dir = await filledStore()
    const path = join(dir, 'data.mdb')
    truncateSync(path, size < 1 ? Math.floor(statSync(path).size * size) : size)
    const { code, message } = await failureOf(dir)
    expect(code).toBe('damaged')
    expect(message).toContain('data.mdb')
  })
})

describe('a store whose file is shorter than its last page, but whole', () => {
  it('opens', async () => {
    const dir = await filledStore()
    const path = join(dir, 'data.mdb')
    const file = openSync(path, 'r+')
    for (const page of [0, 4_096]) {
      const at = page + 24 + 120
      const lastPage = Buffer.alloc(8)
      lastPage.writeBigUInt64LE(readFileSync(path).readBigUInt64LE(at) + 3n)
      writeSync(file, lastPage, 0, 8, at)
    }
    closeSync(file)
    const log = await openLog({ dir })
    expect(readAll(log)).toHaveLength(33)
    await log.append(append('t', event('more')))
    expect(readAll(log)).toHaveLength(34)
  })
})

describe('an empty data file', () => {
  it('becomes a new store', async () => {
    const dir = directory()
    writeFileSync(join(dir, 'data.mdb'), '')
    const log = await openLog({ dir })
    expect(log.head).toBe(0)
  })
})

function mountSmall(context: TestContext): { readonly dir: string; readonly unmount: () => void } {
  if (process.platform !== 'linux' || !isRoot) skip(context, 'only root on Linux can mount a small file system')
  const dir = directory()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir], { stdio: 'pipe' })
  } catch (error) {
    skip(context, `a small file system can not be mounted here: ${String(error)}`)
  }
  return { dir, unmount: () => void execFileSync('umount', [dir]) }
}

function fill(path: string): void {
  const file = openSync(path, 'a')
  try {
    for (const bytes of [65_536, 4_096, 1]) for (;;) if (!wrote(file, bytes)) break
  } finally {
    closeSync(file)
  }
}

function wrote(file: number, bytes: number): boolean {
  try {
    return writeSync(file, Buffer.alloc(bytes)) === bytes
  } catch {
    return false
  }
}

describe('a full disk', () => {
  it('refuses publishes, keeps what was acknowledged, and takes publishes again when there is room', async (context) => {
    const { dir: mounted, unmount } = mountSmall(context)
    const dir = join(mounted, 'log')
    const ballast = join(mounted, 'ballast')
    try {
      writeFileSync(ballast, Buffer.alloc(3_000_000))
      let log = await openLmdbLog({ dir })
      let kept = 0
      const publish = async (): Promise<ProblemError | undefined> => {
        const events = countTo(100).map((i) => event([kept + i, 'x'.repeat(500)]))
        try {
          await log.append(append('t', ...events))
        } catch (error) {
          return error as ProblemError
        }
        kept += events.length
        return undefined
      }
      const check = (): void => {
        expect(log.head).toBe(kept)
        expect(readAll(log).map((one) => (dataOf(one) as [number])[0])).toEqual(countTo(kept))
      }
      let refused: ProblemError | undefined
      while (refused === undefined) refused = await publish()
      expect(refused).toMatchObject({ problem: 'log-unavailable', status: 503, cause: { code: 'full' } })
      expect(refused.message).not.toContain(mounted)
      expect(kept).toBeGreaterThan(100)
      check()

      fill(ballast)
      expect(await publish()).toMatchObject({ problem: 'log-unavailable', cause: { code: 'full' } })
      const several = await Promise.all([publish(), publish(), publish()])
      for (const one of several) expect(one).toMatchObject({ problem: 'log-unavailable' })
      check()

      // Also who starts on a full disk reads.
      await log.close()
      log = await openLmdbLog({ dir })
      check()
      expect(await publish()).toMatchObject({ problem: 'log-unavailable' })

      rmSync(ballast)
      expect(await publish()).toBeUndefined()
      check()
      await log.close()
    } finally {
      unmount()
    }
  })

  it('is told to who wants to make a store there', async (context) => {
    const { dir, unmount } = mountSmall(context)
    try {
      const below = join(dir, 'log')
      mkdirSync(below)
      fill(join(dir, 'ballast'))
      expect((await failureOf(below)).code).toBe('full')
      expect(readdirSync(below)).toEqual([])
    } finally {
      unmount()
    }
  })
})

describe('a meta page that can not be written', () => {
  it('refuses publishes, hides nothing from readers, and is got over', async (context) => {
    if (process.platform !== 'linux') skip(context, 'a library can be preloaded on Linux only')
    const work = directory()
    const library = join(work, 'meta-write-fails.so')
    const source = new URL('fixtures/meta-write-fails.c', import.meta.url).pathname
    try {
      execFileSync('cc', ['-shared', '-fPIC', '-o', library, source, '-ldl'], { stdio: 'pipe' })
    } catch {
      skip(context, 'there is no C compiler')
    }
    const flag = join(work, 'fail')
    const env = { LD_PRELOAD: library, META_WRITE_FAILS: flag }
    const child = startFixture({ name: 'meta-write-fails.mjs', env }, join(work, 'log'), flag)
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(child.lines).toMatchObject([
      { first: 1, after: 1 },
      { problem: 'log-unavailable', cause: 'failed', after: 1 },
      { problem: 'log-unavailable', cause: 'failed', after: 1 },
      { first: 2, after: 2 },
      { first: 3, after: 3 },
    ])
    for (const { reads } of child.lines.slice(1, 3) as { reads: unknown[] }[]) {
      for (const read of reads) expect([1, 'log-unavailable']).toContain(read)
    }
  })
})
