/** Settings from the environment and from flags, which override those of the file. */
import { ConfigError, SETTINGS } from './check.ts'
import { faultText, nearest } from './checkers.ts'

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
  /** What a text means; one that means nothing stays, and is refused. Absent: the text itself. */
  readonly read?: (text: string) => unknown
}

const number = (text: string): unknown => (/^\d+$/.test(text) ? Number(text) : text)

const truth = (text: string): unknown => (text === 'true' || text === 'false' ? text === 'true' : text)

const proxies = (text: string): unknown => {
  if (text === 'true') return true
  return text === 'loopback' ? text : text.split(',').map((network) => network.trim())
}

const ROWS: readonly Row[] = [
  { env: 'PORT', setting: 'port', inside: 'listen', read: number },
  { env: 'HOST', setting: 'host', inside: 'listen' },
  { env: 'WATCHPOST_PLAINTEXT', setting: 'plaintext', inside: 'listen', read: truth },
  { env: 'WATCHPOST_TRUST_PROXY', setting: 'trustProxy', read: proxies },
  { env: 'WATCHPOST_DATA_DIR', setting: 'dataDir' },
  { env: 'WATCHPOST_DURABILITY', setting: 'durability' },
  { env: 'WATCHPOST_LOG_LEVEL', setting: 'logLevel' },
  { env: 'WATCHPOST_HEARTBEAT_MS', setting: 'heartbeatMs', read: number },
  { env: 'WATCHPOST_COALESCE_MS', setting: 'coalesceMs', read: number },
  { env: 'WATCHPOST_DRAIN_MS', setting: 'drainMs', read: number },
  { env: 'WATCHPOST_EXPIRING_MS', setting: 'expiringMs', read: number },
]

/** Read by client commands; the last one is what the examples call a secret. */
const CLIENT_NAMES: readonly string[] = ['WATCHPOST_URL', 'WATCHPOST_TOKEN', 'WATCHPOST_SECRET']

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
    const value = row.read === undefined ? text : row.read(text)
    SETTINGS[row.setting](value, by, (...fault) => faults.push(faultText(...fault)))
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
