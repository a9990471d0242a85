/** The package as it is installed: alone in an empty project, by the compiler, a bundler and the runtime. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { installPackage, ROOT } from './fixtures/installed.ts'

let project = ''
let home = ''

beforeAll(() => {
  ;({ project, home } = installPackage())
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

/** The package's files whose names end so, relative to it. */
const filesOf = (end: RegExp): readonly string[] =>
  readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) => end.test(file))

it.each([
  ['nodenext', 'es2022', 'nodenext', {}],
  ['esnext', 'es2023', 'bundler', {}],
  // Where there is no DOM, the types of Node.js have what is needed of it.
  ['nodenext', 'es2023', 'nodenext', { lib: ['es2023'], types: ['node'] }],
])(
  'is typed for whoever compiles with module %s, target %s, and resolution %s %j',
  (module, target, moduleResolution, others) => {
    const compilerOptions = {
      ...{ module, moduleResolution, target, strict: true, exactOptionalPropertyTypes: true, noEmit: true, types: [] },
      ...others,
      // What is wrong with its declarations must not be passed over.
      skipLibCheck: false,
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['main.ts'] }))
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    let faults = ''
    try {
      execFileSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' })
    } catch (error) {
      faults = String((error as { stdout: unknown }).stdout)
    }
    expect(faults).toBe('')
  },
)

it('is bundled for browsers by its entries, and names nothing that they lack', async () => {
  const told: string[] = []
  const onLog = (_level: string, { code }: { code?: string }): void => void told.push(code ?? '')
  const bundle = await rolldown({ input: join(project, 'main.ts'), platform: 'browser', external: ['react'], onLog })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  expect(output.map((each) => each.type === 'chunk' && each.imports)).toEqual([['react']])
  // That the hooks are for clients is for frameworks to read, which look at each file by itself.
  expect(told.filter((code) => code !== 'MODULE_LEVEL_DIRECTIVE')).toEqual([])
})

it('has the sources that its maps name', () => {
  const scripts = filesOf(/^dist.*\.(?:js|d\.ts)$/)
  const maps = scripts.flatMap((file) => {
    const named = /^\/\/# sourceMappingURL=(.+)$/m.exec(readFileSync(join(home, file), 'utf8'))?.[1]
    return named === undefined ? [] : [join(home, dirname(file), named)]
  })
  // But for the copies of the protocol's modules, all have one.
  expect(maps.length).toBe(scripts.length - 2)
  for (const map of maps) {
    const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { sources: string[] }
    expect(sources.map((source) => existsSync(join(dirname(map), source)))).toEqual([true])
  }
})

it('needs nothing beside itself, and tells its states', () => {
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Record<string, unknown>
  expect(manifest['dependencies']).toBeUndefined()
  const imported = filesOf(/dist.*\.(?:js|d\.ts)$/).flatMap((file) =>
    [...readFileSync(join(home, file), 'utf8').matchAll(/^(?:im|ex)port .*from ['"]([^'"]+)['"]/gm)].map(
      (match) => match[1],
    ),
  )
  expect(imported.length).toBeGreaterThan(20)
  // Of the hooks only, which nothing else loads.
  expect(imported.filter((name) => !name?.startsWith('.'))).toEqual(['react'])
  const script = `
    import { createClient } from '@watchpost/client'
    const client = createClient({ url: 'http://127.0.0.1:1', transports: ['sse'], backoffBaseMs: 10 })
    const watch = client.watch('any')
    const statuses = []
    watch.on('status', (status) => statuses.push(status))
    while (!statuses.includes('waiting')) await new Promise((resolve) => setTimeout(resolve, 5))
    await client.close()
    console.log(statuses.join(' '))
  `
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: project,
    encoding: 'utf8',
  })
  expect(printed).toMatch(/^connecting waiting (?:connecting waiting )*(?:connecting )?closed\n$/)
})
