/** What README.md tells to write into a program compiles, under the flags of this repository. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** An empty project that sees this repository's packages. */
async function project(files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'watchpost-readme-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'), 'dir')
  const compilerOptions = {
    ...{ noEmit: true, types: ['node'], composite: false, declaration: false, declarationMap: false },
    isolatedDeclarations: false,
    // Of no strictness that readers would know: claims and parameters are written as members.
    noPropertyAccessFromIndexSignature: false,
  }
  const tsconfig = { extends: join(ROOT, 'tsconfig.base.json'), compilerOptions, files: Object.keys(files) }
  const all = { ...files, 'package.json': '{"type":"module"}', 'tsconfig.json': JSON.stringify(tsconfig) }
  await Promise.all(Object.entries(all).map(([name, text]) => writeFile(join(dir, name), text)))
  return dir
}

/** What the compiler has against the project; empty if nothing. */
async function faultsIn(dir: string): Promise<string> {
  try {
    await run(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', dir, '--pretty', 'false'], { cwd: dir })
    return ''
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
    return `${stdout ?? ''}${stderr ?? ''}` || String(error)
  }
}

it('compiles each snippet of TypeScript in README.md, and would see a fault in one', { timeout: 60_000 }, async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const snippets = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  expect(snippets.length).toBeGreaterThan(0)
  const files = Object.fromEntries(snippets.map((code, i) => [`snippet-${i + 1}.ts`, code]))
  expect(await faultsIn(await project(files))).toBe('')

  const wrong = `${snippets[0]}\nawait watchpost.publish('stocks', { type: 'priceUpdate', data: { symbol: 1 } })\n`
  expect(await faultsIn(await project({ 'wrong.ts': wrong }))).toContain('wrong.ts')
})
