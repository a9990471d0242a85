import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const TIDY = fileURLToPath(new URL('tidy.mjs', import.meta.url))
const roots: string[] = []

afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true })
})

// Put together, so that tidy does not take the texts of its own test for citations and leftovers.
const clause = (id: string): string => `WP-${id}`
const LEFTOVER = ['TO', 'DO'].join('')

/** A tree without faults. */
const SOUND = {
  'PROTOCOL.md': `**[${clause('1.1')}] Event.** See [${clause('1.1')}].\n`,
  'packages/core/src/log.ts': "import { x } from '@watchpost/protocol'\nimport { y } from './deep/y.ts'\n",
  'packages/core/src/deep/y.ts': "import { z } from '../log.ts'\n",
  'packages/core/test/log.test.ts': `import { readFileSync } from 'node:fs'\nit('[${clause('1.1')}]')\n`,
  'packages/server/src/main.ts': "import { x } from '@watchpost/log-lmdb'\nimport http from 'node:http'\n",
}

/** The faults that tidy finds in the sound tree with some files added or replaced. */
function faultsWith(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'tidy-'))
  roots.push(root)
  for (const [path, text] of Object.entries({ ...SOUND, ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [TIDY, '--root', root], { encoding: 'utf8' })
  expect(stderr).toBe('')
  const faults = stdout.split('\n').filter((line) => line !== '')
  expect(status).toBe(faults.length === 0 ? 0 : 1)
  return faults
}

describe('tidy', () => {
  it('finds no fault in a sound tree', () => {
    expect(faultsWith({})).toEqual([])
  })

  it.each<[string, Record<string, string>, string]>([
    ['a long file', { 'bench/a.ts': '\n'.repeat(401) }, 'bench/a.ts:1: 401 lines'],
    ['a file named utils', { 'packages/server/src/utils.ts': '' }, 'packages/server/src/utils.ts:1: name a file'],
    ['a folder named util', { 'packages/server/src/util/a.ts': '' }, 'packages/server/src/util/a.ts:1: name a file'],
    ['a leftover', { 'docs/a.md': `\n${LEFTOVER}: more\n` }, `docs/a.md:2: a ${LEFTOVER}`],
    [
      'a citation of no clause',
      { 'scripts/a.mjs': `// [${clause('1.10')}]` },
      `scripts/a.mjs:1: [${clause('1.10')}] is no`,
    ],
    ['a rotten reference', { 'PROTOCOL.md': `**[${clause('1.1')}]** [${clause('9.9')}]` }, 'PROTOCOL.md:1: ['],
    ['an untested clause', { 'packages/core/test/log.test.ts': '' }, `PROTOCOL.md:1: no test cites [${clause('1.1')}]`],
    [
      'a clause defined twice',
      { 'PROTOCOL.md': `**[${clause('1.1')}] A.**\n**[${clause('1.1')}] B.**\n` },
      `PROTOCOL.md:2: [${clause('1.1')}] is defined twice`,
    ],
    [
      'an import against the direction',
      { 'packages/core/src/a.ts': "import type { A } from 'watchpost'" },
      'packages/core/src/a.ts:1: core may import @watchpost/protocol, not watchpost',
    ],
    [
      'a sideways import',
      { 'packages/log-lmdb/src/a.ts': "export * from '@watchpost/client'" },
      'packages/log-lmdb/src/a.ts:1: log-lmdb may import',
    ],
    [
      'a deep import',
      { 'packages/server/src/a.ts': "await import('@watchpost/core/dist/log.js')" },
      'packages/server/src/a.ts:1: server may import',
    ],
    [
      'a relative import of another package',
      { 'packages/core/src/a.ts': "import { A } from '../../protocol/src/index.ts'" },
      'packages/core/src/a.ts:1: import another package by its name',
    ],
    [
      'Node.js where it may not be',
      { 'packages/protocol/src/a.ts': "import 'node:fs'" },
      'packages/protocol/src/a.ts:1: protocol runs without Node.js',
    ],
    [
      'Node.js without its prefix',
      { 'packages/core/src/a.ts': "import {\n  join,\n} from 'path'" },
      'packages/core/src/a.ts:3: core runs without Node.js',
    ],
  ])('finds %s', (_name, files, start) => {
    expect(faultsWith(files).map((fault) => fault.slice(0, start.length))).toEqual([start])
  })

  it('passes over what is generated or installed', () => {
    const text = `${LEFTOVER}\n`
    expect(
      faultsWith({ 'packages/core/dist/a.js': text, 'node_modules/a/index.js': text, 'coverage/a.js': text }),
    ).toEqual([])
  })
})
