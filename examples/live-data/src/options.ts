/** The command line. */
import { parseArgs } from 'node:util'

export interface Options {
  readonly port: number
  readonly dataDir: string
  /** Records per second of each data set; absent means the default of each. */
  readonly recordsPerSecond: number | undefined
}

/** What the command line has wrong, for who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const USAGE = `Usage: npm start -w live-data -- [options]

  --port N        listen on this port of 127.0.0.1 (default: PORT, else 8080; 0 takes any free one)
  --data-dir DIR  keep the log here (default: WATCHPOST_DATA_DIR, else .watchpost)
  --pace N        publish N records per second of each data set (default: 4 prices and 8 quakes)
  --help          show this`

const PORTS = { min: 0, max: 65_535, whole: true }

/**
 * Reads the arguments; `undefined` if they ask for help.
 * @throws UsageError
 */
export function readOptions(args: readonly string[], env: { readonly [name: string]: string | undefined }) {
  const values = parsed(args)
  if (values.help === true) return undefined
  // Set to nothing means not set, as in the server's own configuration.
  const portOfEnv = env['PORT'] || undefined
  const dataDirOfEnv = env['WATCHPOST_DATA_DIR'] || undefined
  const options: Options = {
    port: numberIn(values.port === undefined ? 'PORT' : '--port', values.port ?? portOfEnv ?? '8080', PORTS),
    dataDir: values['data-dir'] ?? dataDirOfEnv ?? '.watchpost',
    recordsPerSecond:
      values.pace === undefined
        ? undefined
        : numberIn('--pace', values.pace, { min: 0.01, max: 100_000, whole: false }),
  }
  return options
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    const options = { port: text, 'data-dir': text, pace: text, help: { type: 'boolean' } } as const
    return parseArgs({ args: [...args], options, strict: true }).values
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`)
  }
}

function numberIn(
  name: string,
  text: string,
  { min, max, whole }: { readonly min: number; readonly max: number; readonly whole: boolean },
): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value
  throw new UsageError(`${name} must be a ${whole ? 'whole ' : ''}number from ${min} to ${max}, not "${text}"`)
}
