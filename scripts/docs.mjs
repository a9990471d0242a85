/**
 * Writes the tables of PROTOCOL.md that are generated from the code. `--check` writes nothing, and fails if a table is
 * out of step. Reads packages/protocol/dist, so build first.
 */
import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { LIMITS, PROBLEMS, problemType } from '@watchpost/protocol'

const FILE = fileURLToPath(new URL('../PROTOCOL.md', import.meta.url))

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} rows */
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`).join('\n')

/** @param {string} text */
const escapeCell = (text) => text.replaceAll('|', '\\|')

/** @param {number | undefined} value */
const count = (value) => (value === undefined ? '' : value.toLocaleString('en-US'))

/** What stands between `<!-- generated:NAME -->` and `<!-- /generated -->`, by name. */
const TABLES = {
  problems: table(
    ['type', 'HTTP', 'WebSocket close', 'retry?', 'when'],
    Object.entries(PROBLEMS).map(([name, row]) => [
      `\`${problemType(/** @type {keyof typeof PROBLEMS} */ (name))}\``,
      String(row.status),
      row.close === undefined ? '' : String(row.close),
      row.retry,
      row.when,
    ]),
  ),
  limits: table(
    ['name', 'default', 'max', 'over it', 'why'],
    Object.entries(LIMITS).map(([name, row]) => [
      `\`${name}\``,
      count(row.default),
      count(row.max),
      Object.hasOwn(PROBLEMS, row.over) ? `\`${row.over}\`` : row.over,
      row.why,
    ]),
  ),
}

/** @param {string} text */
function withTables(text) {
  let out = text
  for (const [name, content] of Object.entries(TABLES)) {
    const block = new RegExp(`(<!-- generated:${name} -->\\n)[^]*?(<!-- /generated -->)`)
    if (!block.test(out)) throw new Error(`PROTOCOL.md has no block <!-- generated:${name} --> … <!-- /generated -->`)
    out = out.replace(block, (_all, start, end) => `${start}${content}\n${end}`)
  }
  return out
}

/** As `npm run format` would leave it, or the two would undo each other's work. @param {string} text */
function formatted(text) {
  const biome = fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url))
  const run = spawnSync(biome, ['format', `--stdin-file-path=${FILE}`], { input: text, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`biome could not format PROTOCOL.md: ${run.stderr}${run.error?.message ?? ''}`)
  return run.stdout
}

const before = await readFile(FILE, 'utf8')
const after = formatted(withTables(before))
if (process.argv.includes('--check')) {
  if (after !== before) {
    console.error('PROTOCOL.md is out of step with packages/protocol, or not formatted: run `node scripts/docs.mjs`.')
    process.exitCode = 1
  }
} else if (after !== before) {
  await writeFile(FILE, after)
  console.log('PROTOCOL.md: tables written')
}
