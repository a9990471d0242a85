/**
 * Lint of this repository's own rules, which no general linter knows. `--root DIR` looks at another tree, for the test.
 * Prints one line per fault, as `path:line: what is wrong and how to mend it`, and fails if there is any.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LINES_MAX = 400
const SOURCE = /\.(?:ts|mts|mjs|js)$/
const TEST = /\.test\.ts$/
const PASSED_OVER = new Set(['node_modules', 'dist', 'coverage'])

/** Which workspace packages a package may import, by folder. Whatever is not named here may import them all. */
const DIRECTION = {
  protocol: [],
  client: ['@watchpost/protocol'],
  conformance: ['@watchpost/protocol'],
  core: ['@watchpost/protocol'],
  'log-lmdb': ['@watchpost/protocol', '@watchpost/core'],
  server: ['@watchpost/protocol', '@watchpost/core', '@watchpost/log-lmdb'],
}

/** Packages that run where there is no Node.js, or get their sockets, files and clocks handed in. */
const WITHOUT_NODE = new Set(['protocol', 'core', 'client'])

/** @typedef {{ path: string, lines: readonly string[] }} TextFile a file of the tree; `path` is relative, with `/` */

/** @param {string} root @returns {TextFile[]} */
function readTree(root, folder = '') {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (PASSED_OVER.has(entry.name) || (entry.name.startsWith('.') && entry.name !== '.ci')) return []
    if (entry.isDirectory()) return readTree(root, path)
    if (!entry.isFile() || !(SOURCE.test(path) || /\.(?:md|json)$/.test(path) || path === '.ci/run')) return []
    return [{ path, lines: readFileSync(join(root, path), 'utf8').split('\n') }]
  })
}

/** Lines that match, with their number. @param {TextFile} file @param {RegExp} pattern must be global */
const matches = ({ path, lines }, pattern) =>
  lines.flatMap((line, i) => [...line.matchAll(pattern)].map((match) => ({ at: `${path}:${i + 1}`, match, line })))

/** @param {readonly TextFile[]} files */
function shapeFaults(files) {
  const sources = files.filter(({ path }) => SOURCE.test(path))
  // Put together, so that this file does not find itself.
  const leftover = new RegExp(`\\b(?:${['TO', 'FIX'].join('DO|')}ME)\\b`, 'g')
  return [
    ...sources
      .filter(({ lines }) => lines.length - 1 > LINES_MAX)
      .map(({ path, lines }) => `${path}:1: ${lines.length - 1} lines; split it, ${LINES_MAX} is the most`),
    ...sources
      .filter(({ path }) => path.split('/').some((part) => /^utils?(?:\.|$)/.test(part)))
      .map(({ path }) => `${path}:1: name a file after what it holds, not "${basename(path)}"`),
    ...files
      .flatMap((file) => matches(file, leftover))
      .map(({ at, match }) => `${at}: a ${match[0]}; do it, or drop it`),
  ]
}

/** @param {readonly TextFile[]} files */
function clauseFaults(files) {
  const protocol = files.find(({ path }) => path === 'PROTOCOL.md')
  if (protocol === undefined) return ['PROTOCOL.md:1: is missing']
  const defined = matches(protocol, /^\*\*\[(WP-\d+\.\d+)\]/g).map(({ at, match }) => ({ at, id: match[1] }))
  const known = new Set(defined.map(({ id }) => id))
  const citing = files.filter(({ path }) => path === 'PROTOCOL.md' || SOURCE.test(path))
  const cited = citing.flatMap((file) => matches(file, /\bWP-\d+\.\d+\b/g))
  const tested = new Set(cited.filter(({ at }) => TEST.test(at.split(':')[0] ?? '')).map(({ match }) => match[0]))
  return [
    ...defined
      .filter(({ id }, i) => defined.findIndex((other) => other.id === id) < i)
      .map(({ at, id }) => `${at}: [${id}] is defined twice; give the later clause an id of its own`),
    ...cited
      .filter(({ match }) => !known.has(match[0]))
      .map(({ at, match }) => `${at}: [${match[0]}] is no clause of PROTOCOL.md; cite one, or write it`),
    ...defined
      .filter(({ id }) => !tested.has(id))
      .map(({ at, id }) => `${at}: no test cites [${id}]; name it in the test that proves it`),
  ]
}

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\1/g
const BUILTIN = new Set(builtinModules)
const WORKSPACE = /^(?:@watchpost\/|watchpost(?:\/|$))/

/** @param {readonly TextFile[]} files */
function directionFaults(files) {
  return Object.entries(DIRECTION).flatMap(([name, allowed]) => {
    const inside = files.filter(({ path }) => path.startsWith(`packages/${name}/src/`) && SOURCE.test(path))
    const imports = inside.flatMap((file) => matches(file, IMPORT)).filter(({ line }) => !/^\s*(?:\*|\/\/)/.test(line))
    return imports.flatMap(({ at, match }) => {
      const target = match[2] ?? ''
      if (WORKSPACE.test(target) && !allowed.includes(target)) {
        return [`${at}: ${name} may import ${allowed.join(', ') || 'no other package'}, not ${target}`]
      }
      if (WITHOUT_NODE.has(name) && (target.startsWith('node:') || BUILTIN.has(target))) {
        return [`${at}: ${name} runs without Node.js; have ${target}'s part handed in`]
      }
      if (leaves(at, target)) return [`${at}: import another package by its name, not by ${target}`]
      return []
    })
  })
}

/** Whether a relative import leads out of its package's `src`. @param {string} at @param {string} target */
function leaves(at, target) {
  if (!target.startsWith('.')) return false
  const folder = at.split('/').slice(0, -1).join('/')
  return !new URL(target, `file:///${folder}/`).pathname.startsWith(`/${folder.split('/').slice(0, 3).join('/')}/`)
}

const flag = process.argv.indexOf('--root')
const root = flag < 0 ? fileURLToPath(new URL('..', import.meta.url)) : (process.argv[flag + 1] ?? '.')
const files = readTree(root)
const faults = [...shapeFaults(files), ...clauseFaults(files), ...directionFaults(files)]
for (const fault of faults) console.log(fault)
if (faults.length > 0) process.exitCode = 1
