/**
 * Makes what is compiled stand alone: puts the modules of the protocol's package that the client needs beside it, and
 * names them in the place of the package, so that who installs the client installs nothing else.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FROM = dirname(fileURLToPath(import.meta.resolve('@watchpost/protocol')))
const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
// Not in `dist`, where the compiler takes everything for its own.
const COPIES = fileURLToPath(new URL('../protocol/dist/', import.meta.url))
const SOURCE = fileURLToPath(new URL('../src/protocol.ts', import.meta.url))

const EXPORTS = /export (type )?\{([^}]*)\} from ['"]([^'"]+)['"]/g

/** What a module exports by name from others. @param {string} text */
const exportsOf = (text) =>
  [...text.matchAll(EXPORTS)].flatMap(([, all, names = '', from = '']) =>
    names.split(',').flatMap((each) => {
      const name = each.trim().replace(/^type /, '')
      return name === '' ? [] : [{ name, from, isType: all !== undefined || each.trim().startsWith('type ') }]
    }),
  )

/** A module and those that it imports, without the comments for debuggers. @param {string} name @param {string} extension */
function copy(name, extension) {
  const text = readFileSync(join(FROM, `${name}${extension}`), 'utf8').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n')
  writeFileSync(join(COPIES, `${name}${extension}`), text)
  for (const [, other = ''] of text.matchAll(/from ['"]\.\/([\w-]+)\.[jt]s['"]/g)) copy(other, extension)
}

rmSync(COPIES, { recursive: true, force: true })
mkdirSync(COPIES, { recursive: true })
const wanted = exportsOf(readFileSync(SOURCE, 'utf8'))
for (const extension of ['.js', '.d.ts']) {
  const known = exportsOf(readFileSync(join(FROM, `index${extension}`), 'utf8'))
  const lines = wanted
    .filter(({ isType }) => extension === '.d.ts' || !isType)
    .map(({ name, isType }) => {
      const module = known.find((each) => each.name === name)?.from.replace(/^\.\/|\.[jt]s$/g, '')
      if (module === undefined) throw new Error(`src/protocol.ts: @watchpost/protocol has no ${name}`)
      copy(module, extension)
      return `export ${isType ? 'type ' : ''}{ ${name} } from '../protocol/dist/${module}.js'\n`
    })
  writeFileSync(join(DIST, `protocol${extension}`), lines.join(''))
}
