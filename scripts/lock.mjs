/**
 * Completes package-lock.json after an `npm install`. Packages with binaries name one optional package per platform; npm
 * leaves those of other platforms that it can't see out of the lock file, which `npm ci` then refuses everywhere. This
 * names them again, with the version that their dependent pins and the platform that their name
 * tells, so that npm passes over them here and installs them where they belong. It writes nothing if none is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const FILE = fileURLToPath(new URL('../package-lock.json', import.meta.url))
const OS = ['win32', 'darwin', 'android', 'freebsd', 'openharmony', 'linux']
const CPU = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64']

/** The platform in a name such as `@oxlint/binding-linux-x64-musl`. @param {string} name */
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = OS.find((word) => words.includes(word))
  const cpu = CPU.find((word) => words.includes(word))
  if (os === undefined || cpu === undefined) return undefined
  const musl = words.some((word) => word.startsWith('musl'))
  // Of Linux packages without a libc in their name, some are for any; npm then needs none.
  const libc = musl ? ['musl'] : words.some((word) => word.startsWith('gnu')) ? ['glibc'] : undefined
  return { cpu: [cpu], ...(libc && { libc }), os: [os] }
}

const text = readFileSync(FILE, 'utf8')
const lock = JSON.parse(text)
const missing = Object.values(lock.packages).flatMap((dependent) =>
  Object.entries(dependent.optionalDependencies ?? {}).flatMap(([name, version]) => {
    const platform = platformOf(name)
    const path = `node_modules/${name}`
    // Only what is pinned to one version can be named without asking the registry.
    if (platform === undefined || path in lock.packages || !/^\d+\.\d+\.\d+$/.test(version)) return []
    const { dev } = dependent
    return [[path, { version, ...(dev && { dev }), ...platform, optional: true }]]
  }),
)
if (missing.length > 0) {
  const all = [...Object.entries(lock.packages), ...missing].sort(([a], [b]) => a.localeCompare(b, 'en'))
  writeFileSync(FILE, `${JSON.stringify({ ...lock, packages: Object.fromEntries(all) }, null, 2)}\n`)
}
for (const [path, { version }] of missing) console.log(`${path} ${version}`)
