/** What a consumer's compiler makes of the published types. */
import { execFileSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { directory } from './support.ts'

const CONSUMER = `
import { type Durability, type LmdbLog, type LmdbLogOptions, openLmdbLog, StoreError } from '@watchpost/log-lmdb'
const durability: Durability = 'os'
const options: LmdbLogOptions = { dir: 'log', durability }
export const log: Promise<LmdbLog> = openLmdbLog(options)
export const codeOf = (error: unknown): string => (error instanceof StoreError ? error.code : '')
`

it('are checked whole, without those of lmdb, which are not all sound', { timeout: 30_000 }, () => {
  const dir = directory()
  const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
  symlinkSync(modules, join(dir, 'node_modules'))
  writeFileSync(join(dir, 'consumer.ts'), CONSUMER)
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    listFiles: true,
    types: [],
  }
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  const tsc = join(modules, 'typescript', 'bin', 'tsc')
  const files = execFileSync(process.execPath, [tsc, '-p', dir], { encoding: 'utf8' })
  expect(files).toContain('log-lmdb/dist/lmdb-log.d.ts')
  expect(files).not.toContain('node_modules/lmdb/')
})
