import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const SNIPPETS = fileURLToPath(new URL('snippets.mjs', import.meta.url))

/** The faults that are found in a tree of these files. */
function faultsOf(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'snippets-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [SNIPPETS, '--root', root], { encoding: 'utf8' })
  expect(stderr).toBe('')
  const faults = stdout.split('\n').filter((line) => line !== '')
  expect(status).toBe(faults.length === 0 ? 0 : 1)
  return faults
}

const fence = (language: string, code: string, comment?: string): string =>
  `# Page\n\n${comment === undefined ? '' : `<!-- ${comment} -->\n`}\`\`\`${language}\n${code}\n\`\`\`\n`

const TOPICS = 'topics: { a: topic({ events: {}, watch: "anyone" }) }'

describe('snippets', () => {
  it('finds no fault in sound ones, wherever they are', { timeout: 60_000 }, () => {
    const whole = `import { defineConfig, topic } from 'watchpost'\nexport default defineConfig({ ${TOPICS} })`
    const sound = {
      'README.md': fence('ts', whole) + fence('json', '{"a":[1]}'),
      'docs/a.md':
        fence('ts', 'heartbeatMs: 1_000,', 'in: defineConfig') + fence('ts', "watch: 'anyone',", 'in: topic'),
      'packages/x/README.md': fence(
        'js',
        'send(name)',
        'given: declare const name: string; declare const send: Function',
      ),
      'docs/guides/b.md': fence('console', '$ reboot', 'not run: it would'),
      'docs/guides/c.md': `# C\n<!-- run by packages/server/test/guides.test.ts -->\n${fence('console', '$ date\nSun')}`,
      // Neither a README nor a document.
      'bench/notes.md': fence('ts', 'this is nothing'),
      'node_modules/x/README.md': fence('json', '{'),
    }
    expect(faultsOf(sound)).toEqual([])
  })

  it.each([
    ['code of a wrong type', fence('ts', 'const a: number = "b"'), 'README.md:3: error TS2322'],
    ['an unknown key', fence('ts', 'heartbeat: 1,', 'in: defineConfig'), 'README.md:4: error TS'],
    ['an unknown name', fence('js', 'send(1)'), "README.md:3: error TS2304: Cannot find name 'send'"],
    ['JSON that is none', fence('json', '{"a":…}'), 'README.md:3: is no JSON'],
    ['commands that nothing runs', fence('console', '$ date'), 'README.md:3: no test runs these commands'],
    ['commands without a reason', fence('console', '$ date', 'not run'), 'README.md:4: no test runs these commands'],
    ['output without a command', fence('console', 'Sun', 'not run: no'), 'README.md:4: begin each command with'],
  ])('finds %s', { timeout: 60_000 }, (_what, page, fault) => {
    expect(faultsOf({ 'README.md': page })).toContainEqual(expect.stringContaining(fault))
  })
})
