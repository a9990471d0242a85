/** How a log learns of other processes where files can't be watched, or where a change is not told. */
import type { FSWatcher } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { append, directory, event, openLog } from './support.ts'

type Watch = () => FSWatcher

const files = vi.hoisted((): { watch: Watch } => ({ watch: () => expect.fail('to be replaced') }))
vi.mock(import('node:fs'), async (importOriginal) => ({
  ...(await importOriginal()),
  watch: (() => files.watch()) as unknown as typeof import('node:fs')['watch'],
}))

const deaf = (): FSWatcher => {
  const watcher = { on: () => watcher, close: () => {} }
  return watcher as unknown as FSWatcher
}

describe('a log that is not told of changes', () => {
  it('looks each second', async () => {
    files.watch = deaf
    const dir = directory()
    const warnings: string[] = []
    const [one, two] = [await openLog({ dir }), await openLog({ dir, onWarning: (message) => warnings.push(message) })]
    let told = 0
    two.onAdvance(() => told++)
    await one.append(append('t', event(1)))
    expect(two.head).toBe(0)
    await expect.poll(() => two.head, { timeout: 3_000 }).toBe(1)
    expect(told).toBe(1)
    expect(warnings).toEqual([])
  })

  it('looks often, and warns, where nothing can be watched', async () => {
    files.watch = () => {
      throw Object.assign(new Error('too many'), { code: 'EMFILE' })
    }
    const dir = directory()
    const warnings: string[] = []
    const [one, two] = [await openLog({ dir }), await openLog({ dir, onWarning: (message) => warnings.push(message) })]
    await one.append(append('t', event(1)))
    await expect.poll(() => two.head, { timeout: 500, interval: 5 }).toBe(1)
    expect(warnings).toEqual([expect.stringContaining('fs.inotify.max_user_instances')])
  })
})
