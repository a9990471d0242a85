/** `npm run check`: all that is checked without running the code. One line per step; the output of those that fail. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const bin = (/** @type {string} */ name) => join(ROOT, 'node_modules', '.bin', name)
const LINTED = ['packages', 'scripts', 'bench', 'examples'].filter((folder) => existsSync(join(ROOT, folder)))

/** The build comes first: typed lint rules and the tables of the documents read what it makes. */
const STEPS = [
  { name: 'types', command: bin('tsc'), args: ['-b'] },
  { name: 'format', command: bin('biome'), args: ['check', '.'] },
  { name: 'lint', command: bin('oxlint'), args: ['--type-aware', '--deny-warnings', ...LINTED] },
  { name: 'size', command: process.execPath, args: [join(ROOT, 'scripts', 'client-size.mjs')] },
  { name: 'unused', command: bin('knip'), args: [] },
  { name: 'documents', command: process.execPath, args: [join(ROOT, 'scripts', 'docs.mjs'), '--check'] },
  { name: 'snippets', command: process.execPath, args: [join(ROOT, 'scripts', 'snippets.mjs')] },
  { name: 'tidy', command: process.execPath, args: [join(ROOT, 'scripts', 'tidy.mjs')] },
]

let failed = 0
for (const { name, command, args } of STEPS) {
  const startMs = performance.now()
  const run = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const passed = run.status === 0
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - startMs) / 1_000).toFixed(1)} s)`)
  if (!passed) console.log(`${run.stdout}${run.stderr}${run.error?.message ?? ''}`.trimEnd())
  failed += passed ? 0 : 1
}
if (failed > 0) process.exitCode = 1
