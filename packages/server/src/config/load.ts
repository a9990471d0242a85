/** Finds and loads a configuration file, and lays the environment and flags over it. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { ConfigError, checkConfig } from './check.ts'
import { isObject } from './checkers.ts'
import type { Config } from './config.ts'
import { jsonFault } from './json-fault.ts'
import { applyOverrides, type ConfigFlags, type Override } from './overrides.ts'

/** The names of a configuration file, any one of which is looked for. */
const CONFIG_NAMES: readonly string[] = ['ts', 'mts', 'js', 'mjs', 'json'].map(
  (extension) => `watchpost.config.${extension}`,
)

export interface ConfigRequest {
  /** Where to look, and what relative paths are relative to. */
  readonly cwd: string
  /** A file to load instead of looking for one. */
  readonly file?: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly flags: ConfigFlags
  /** Gives what is to be loaded of what the file has, before variables are put into its texts and anything is checked. */
  readonly part?: (value: unknown) => unknown
}

export interface LoadedConfig {
  readonly config: Config
  /** The whole path of the file that it came from. */
  readonly file: string
  /** What the environment and flags changed, in the order in which they were applied. */
  readonly overrides: readonly Override[]
}

/** @throws ConfigError that says which file, what is wrong in it and how to mend it */
export async function loadConfig({
  cwd,
  file,
  env,
  flags,
  part = (whole) => whole,
}: ConfigRequest): Promise<LoadedConfig> {
  const path = file === undefined ? findConfig(cwd) : resolve(cwd, file)
  if (!existsSync(path))
    throw new ConfigError([`${path} does not exist; check --config, or make one with \`watchpost init\``])
  const source = basename(path)
  const referenced = new Set<string>()
  const isJson = extname(path) === '.json'
  const value = isJson ? await loadJson(path, env, referenced, part) : part(await loadModule(path, referenced))
  if (!isObject(value)) {
    // It is not shown: a list of configurations, for one, can hold secrets.
    throw new ConfigError([`${source}: must export one configuration, \`export default defineConfig({ ... })\``])
  }
  const { config, overrides } = applyOverrides(value, env, flags, referenced)
  return { config: checkConfig(config, source), file: path, overrides }
}

/** @throws ConfigError when there is none, or more than one */
function findConfig(cwd: string): string {
  const found = CONFIG_NAMES.filter((name) => existsSync(join(cwd, name)))
  const [name, other] = found
  if (name === undefined) {
    throw new ConfigError([
      `no watchpost.config.{ts,mts,js,mjs,json} in ${cwd}; make one with \`watchpost init\`, or name one with --config FILE`,
    ])
  }
  if (other !== undefined) {
    throw new ConfigError([
      `both ${name} and ${other} are in ${cwd}; remove one, or name the right one with --config FILE`,
    ])
  }
  return join(cwd, name)
}

/**
 * `watchpost` is this very program, so that a configuration needs nothing installed beside it. The text is evaluated
 * rather than imported, since Node.js imports a module once and would never see that it changed.
 */
async function loadModule(path: string, referenced: Set<string>): Promise<unknown> {
  // Loaded here, so that what only describes a configuration of JSON does without a server.
  const [{ createJiti }, watchpost] = await Promise.all([import('jiti'), import('../index.ts')])
  const jiti = createJiti(path, { virtualModules: { watchpost }, moduleCache: false, fsCache: false })
  try {
    const source = await readFile(path, 'utf8')
    for (const [name] of source.matchAll(/\bWATCHPOST_\w+/g)) referenced.add(name)
    const options = { id: path, filename: path, ext: extname(path), async: true, forceTranspile: true }
    const loaded = (await jiti.evalModule(source, options)) as { readonly default?: unknown }
    return loaded.default ?? loaded
  } catch (error) {
    throw new ConfigError([`${basename(path)}: ${failureOf(error)}`])
  }
}

function failureOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  // What `JSON.parse` says quotes what it was given, which may be a secret.
  if (error instanceof SyntaxError && message.includes('JSON')) return 'what it gives to JSON.parse is not JSON'
  const missing = /^Cannot find (?:module|package) '([^'./][^']*)'/.exec(message)?.[1]
  return missing === undefined
    ? message
    : `imports "${missing}", which is not installed; run \`npm install ${missing}\``
}

async function loadJson(
  path: string,
  env: NodeJS.ProcessEnv,
  referenced: Set<string>,
  part: (value: unknown) => unknown,
): Promise<unknown> {
  const source = basename(path)
  const faults = new Set<string>()
  const whole = parseJson(await readFile(path, 'utf8'), source)
  for (const name of namesIn(whole)) referenced.add(name)
  const filled = fill(part(whole), (name) => {
    const found = env[name]
    if (found === undefined) faults.add(`${source}: \${${name}} is not set in the environment; set ${name}`)
    return found ?? ''
  })
  if (faults.size > 0) throw new ConfigError([...faults])
  return filled
}

function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What the parser says quotes what stands near the fault, which may be a secret.
    const { line, column } = jsonFault(text)
    throw new ConfigError([`${source}: is not JSON; look at line ${line}, column ${column}, and just before`])
  }
}

/** The variables that texts name. */
function namesIn(value: unknown): ReadonlySet<string> {
  const names = new Set<string>()
  fill(value, (name) => {
    names.add(name)
    return ''
  })
  return names
}

/** Replaces `${NAME}` in all strings; `$${NAME}` stands for the text `${NAME}` itself. */
function fill(value: unknown, lookUp: (name: string) => string): unknown {
  if (typeof value === 'string') {
    return value.replace(/(\$?)\$\{([A-Za-z_]\w*)\}/g, (whole, escape: string, name: string) =>
      escape === '' ? lookUp(name) : whole.slice(1),
    )
  }
  if (Array.isArray(value)) return value.map((element) => fill(element, lookUp))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fill(member, lookUp)]))
}
