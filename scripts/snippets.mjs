/**
 * Checks the snippets of every README and of `docs`: TypeScript and JavaScript compile against the packages, JSON is
 * JSON, and commands are run by a test or say why they are not. `--root DIR` looks at another tree, for the test. Prints
 * one line per fault. Reads what the build made, so build first.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pagesOf, ROOT, readPage } from './markdown.mjs'

/** @typedef {import('./markdown.mjs').Snippet} Snippet */

const LANGUAGES = new Set(['ts', 'js', 'json', 'console'])

/** What a reader would have around a part. */
const AROUND = {
  defineConfig: (/** @type {string} */ code) => `export default defineConfig({ topics: {},\n${code}\n})`,
  topic: (/** @type {string} */ code) => `export default topic({ events: {},\n${code}\n})`,
}

/** What is wrong with JSON and commands. @param {Snippet} snippet @param {boolean} isRun @returns {string[]} */
function plainFaults({ at, language, code, note }, isRun) {
  if (language === 'json') return jsonFault(at, code)
  if (language !== 'console') return []
  if (!code.startsWith('$ ')) return [`${at}: begin each command with "$ "`]
  if (isRun || (note?.word === 'not run' && note.value !== '')) return []
  return [`${at}: no test runs these commands; say why in <!-- not run: … --> on the line before`]
}

/** @param {string} at @param {string} code @returns {string[]} */
function jsonFault(at, code) {
  try {
    JSON.parse(code)
    return []
  } catch (error) {
    return [`${at}: is no JSON: ${String(error)}`]
  }
}

/** A module with the lines of the snippet where they can be told from its name. @param {Snippet} snippet */
function moduleOf({ code, note }) {
  const given = note?.word === 'given' ? note.value : ''
  const around = note?.word === 'in' ? AROUND[/** @type {keyof typeof AROUND} */ (note.value)] : undefined
  if (around === undefined) return `${given}\nexport {}\n${code}`
  // Whoever shows a part has shown the whole before.
  return `import { defineConfig, topic } from 'watchpost'; void topic; void defineConfig\n${around(code)}`
}

/** What the compiler says. Readers have TypeScript with `strict`; JavaScript is not asked for types. @param {readonly Snippet[]} snippets */
function compilerFaults(snippets) {
  const dir = join(ROOT, 'node_modules', '.cache', `snippets-${process.pid}`)
  const nameOf = (/** @type {number} */ i) => `snippet-${i + 1}.ts`
  try {
    return ['ts', 'js'].flatMap((language) => {
      const folder = join(dir, language)
      mkdirSync(folder, { recursive: true })
      const compilerOptions = {
        ...{ noEmit: true, composite: false, declaration: false, declarationMap: false, isolatedDeclarations: false },
        ...{ types: ['node'], lib: ['es2023', 'dom', 'dom.iterable'], noPropertyAccessFromIndexSignature: false },
        ...{ noUncheckedIndexedAccess: false, exactOptionalPropertyTypes: false, noImplicitReturns: false },
        ...{ noUnusedLocals: false, strict: language === 'ts' },
      }
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
      writeFileSync(
        join(folder, 'tsconfig.json'),
        JSON.stringify({ extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, include: ['*.ts'] }),
      )
      const ours = snippets.filter(({ language: its, note }) => its === language && note?.word !== 'not run')
      if (ours.length === 0) return []
      for (const [i, snippet] of ours.entries()) writeFileSync(join(folder, nameOf(i)), moduleOf(snippet))
      const tsc = join(ROOT, 'node_modules', '.bin', 'tsc')
      const run = spawnSync(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' })
      if (run.status === 0) return []
      const lines = `${run.stdout}${run.stderr}${run.error?.message ?? ''}`.trim().split('\n')
      return lines.map((line) =>
        line.replace(/^snippet-(\d+)\.ts\(\d+,\d+\)/, (_all, n) => ours[Number(n) - 1]?.at ?? ''),
      )
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const flag = process.argv.indexOf('--root')
const root = flag < 0 ? ROOT : (process.argv[flag + 1] ?? ROOT)
const pages = pagesOf(root).map((path) => readPage(path, root))
const snippets = pages.flatMap((page) => page.snippets).filter(({ language }) => LANGUAGES.has(language))
const faults = [
  ...pages.flatMap(({ isRun, snippets: all }) => all.flatMap((snippet) => plainFaults(snippet, isRun))),
  ...compilerFaults(snippets),
]
for (const fault of faults) console.log(fault)
if (faults.length > 0) process.exitCode = 1
