/**
 * The snippets of the written documents. A comment on the line before a fence says what a checker can't know:
 *
 *     <!-- file: NAME -->              the reader keeps it in this file
 *     <!-- in: defineConfig -->        it is a part of what that takes; `topic` likewise
 *     <!-- given: declare const … -->  what is there already where it stands
 *     <!-- stays -->                   its last command goes on until the reader ends it
 *     <!-- not run: WHY -->            no check can run or compile it
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * @typedef {object} Snippet a fenced part of a page; `at` is `path:line` of its fence
 * @property {string} at
 * @property {string} language
 * @property {string} code
 * @property {{ readonly word: string, readonly value: string }} [note] what the comment before it says
 */

/** @typedef {{ path: string, isRun: boolean, snippets: readonly Snippet[] }} Page `isRun`: a test runs its commands */

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** In the first lines of a page, all of whose commands a test runs as they are. */
const RUN_MARK = '<!-- run by packages/server/test/guides.test.ts -->'

const FENCE =
  /^(?:<!-- (?<word>file|in|given|stays|not run)(?:: (?<value>.*?))? -->\n)?```(?<language>\w+)\n(?<code>[^]*?)^```$/gm

const PASSED_OVER = new Set(['node_modules', 'dist', 'coverage'])

/** Every README, and every page of `docs`, relative to `root`. @param {string} root @returns {string[]} */
export function pagesOf(root = ROOT, folder = '') {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (PASSED_OVER.has(entry.name) || entry.name.startsWith('.')) return []
    if (entry.isDirectory()) return pagesOf(root, path)
    return entry.name === 'README.md' || /^docs\/.*\.md$/.test(path) ? [path] : []
  })
}

/** @param {string} path relative to `root` @returns {Page} */
export function readPage(path, root = ROOT) {
  const text = readFileSync(join(root, path), 'utf8')
  const snippets = [...text.matchAll(FENCE)].map((match) => {
    const { word, value = '', language = '', code = '' } = match.groups ?? {}
    const before = text.slice(0, (match.index ?? 0) + match[0].indexOf('```'))
    return { at: `${path}:${before.split('\n').length}`, language, code, ...(word && { note: { word, value } }) }
  })
  return { path, isRun: text.split('\n').slice(0, 4).includes(RUN_MARK), snippets }
}
