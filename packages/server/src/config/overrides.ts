/** Settings from the environment and from flags, which override those of the file. */
import { ConfigError, SETTINGS } from './check.ts'
import { nearest } from './checkers.ts'

/** Flags of the command line, as texts. */
export interface ConfigFlags {
  readonly port?: string
  readonly host?: string
  readonly dataDir?: string
  readonly logLevel?: string
}

type SettingName = keyof typeof SETTINGS

/** `inside` is the object of the configuration that holds the setting, if it is not the configuration itself. */
interface Row {
  readonly env: string
  readonly setting: SettingName
  readonly inside?: 'listen'
  readonly isNumber?: true
}

const ROWS: readonly Row[] = [
  { env: 'PORT', setting: 'port', inside: 'listen', isNumber: true },
  { env: 'HOST', setting: 'host', inside: 'listen' },
  { env: 'WATCHPOST_DATA_DIR', setting: 'dataDir' },
  { env: 'WATCHPOST_DURABILITY', setting: 'durability' },
  { env: 'WATCHPOST_LOG_LEVEL', setting: 'logLevel' },
  { env: 'WATCHPOST_HEARTBEAT_MS', setting: 'heartbeatMs', isNumber: true },
  { env: 'WATCHPOST_COALESCE_MS', setting: 'coalesceMs', isNumber: true },
]

/** Read by client commands. */
const CLIENT_NAMES: readonly string[] = ['WATCHPOST_URL']

/** Kubernetes gives these to each container beside a service named `watchpost`; they are nobody's setting. */
const INJECTED =
  /^WATCHPOST_(?:SERVICE_(?:HOST|PORT(?:_\w+)?)|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/

/** One setting that was overridden, such as `listen.port` by `PORT`. */
export interface Override {
  readonly setting: string
  readonly by: string
}

/**
 * Applies the environment, then the flags, to a configuration that is not checked yet.
 * @param referenced names of variables that the configuration itself refers to, and so are known
 * @throws ConfigError for a value that is out of bounds, and for an unknown `WATCHPOST_…`
 */
export function applyOverrides(
  config: Readonly<Record<string, unknown>>,
  env: NodeJS.ProcessEnv,
  flags: ConfigFlags,
  referenced: ReadonlySet<string>,
): { readonly config: Readonly<Record<string, unknown>>; readonly overrides: readonly Override[] } {
  const faults = unknownNames(env, referenced)
  const applied: Record<string, unknown> = { ...config }
  const overrides: Override[] = []
  const apply = (row: Row, text: string, by: string): void => {
    const value = row.isNumber === true && /^\d+$/.test(text) ? Number(text) : text
    SETTINGS[row.setting](value, by, (path, message) => faults.push(`${path} ${message}`))
    if (row.inside === undefined) applied[row.setting] = value
    else applied[row.inside] = { ...(applied[row.inside] as object | undefined), [row.setting]: value }
    overrides.push({ setting: row.inside === undefined ? row.setting : `${row.inside}.${row.setting}`, by })
  }
  for (const row of ROWS) {
    const text = env[row.env]
    if (text !== undefined && text !== '') apply(row, text, row.env)
  }
  for (const row of ROWS) {
    const text = row.setting in flags ? flags[row.setting as keyof ConfigFlags] : undefined
    if (text !== undefined) apply(row, text, flagOf(row.setting))
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return { config: applied, overrides }
}

const flagOf = (setting: string): string => `--${setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

function unknownNames(env: NodeJS.ProcessEnv, referenced: ReadonlySet<string>): string[] {
  const known = [...ROWS.map((row) => row.env), ...CLIENT_NAMES]
  return Object.keys(env)
    .filter((name) => name.startsWith('WATCHPOST_') && !known.includes(name) && !referenced.has(name))
    .filter((name) => !INJECTED.test(name) || (name === 'WATCHPOST_PORT' && /^\d*$/.test(env[name] ?? '')))
    .map((name) => {
      if (name === 'WATCHPOST_PORT' || name === 'WATCHPOST_HOST')
        return `${name} is not read; set ${name.slice(10)} instead`
      const near = nearest(name, known)
      const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`
      return `${name} is no setting; ${hint}`
    })
}
