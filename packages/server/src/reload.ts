/**
 * Takes another configuration while a server runs. What can change is replaced where it is, so that everyone who holds it
 * goes by the new one from the same moment on; what can't is named in the log.
 */
import { isDeepStrictEqual } from 'node:util'
import { DefinitionError } from '@watchpost/core'
import { ProblemError } from '@watchpost/protocol'
import type { App } from './app.ts'
import type { Authenticator } from './auth/authenticator.ts'
import type { AuthOptions, JwtIssuer } from './auth/options.ts'
import { withdrawn } from './auth/still-good.ts'
import { ConfigError } from './config/check.ts'
import type { Config, LogLevel } from './config/config.ts'
import { corsOf } from './http/cors.ts'

/** How parts are made that take the place of others. */
export interface Replacing {
  /** @throws ConfigError for keys that can't be read */
  readonly authenticatorOf: (config: Config, before: Authenticator | undefined) => Authenticator | undefined
  readonly setLevel: (level: LogLevel) => void
}

type Settings = Config & { readonly logLevel: LogLevel }

const REPLACED = ['topics', 'retention', 'auth', 'logLevel'] as const satisfies readonly (keyof Config)[]

/**
 * Goes from one configuration to another, as far as that needs no new start.
 * @param change both checked, with their defaults
 * @returns the settings that are in force from now on
 * @throws ConfigError for keys that can't be read, or definitions that can't work; then nothing has changed
 */
export function reload<Checked extends Settings>(
  app: App,
  { before, after }: { readonly before: Checked; readonly after: Checked },
  { authenticatorOf, setLevel }: Replacing,
): Checked {
  const running = withReplaced(before, after)
  const isSameAuth = isDeepStrictEqual(before.auth, after.auth) && !readsFiles(after.auth)
  const authenticator = isSameAuth ? app.authenticator : authenticatorOf(running, app.authenticator)
  if (!isDeepStrictEqual([before.topics, before.retention], [after.topics, after.retention])) redefine(app, after)
  // From here on nothing fails.
  app.authenticator = authenticator
  app.cors = corsOf(running)
  setLevel(after.logLevel)
  if (!isSameAuth) endWithdrawn(app)
  app.connections.reassess()
  const settings = differing(running, after)
  if (settings.length > 0)
    app.logger.warn({ settings }, 'these settings differ from those that run; restart to use them')
  return running
}

/** Connections go on with the rights that their credentials have now, and end if what vouches for these is gone. */
function endWithdrawn({ connections, authenticator }: App): void {
  for (const { connection } of connections.list()) {
    const { session } = connection
    if (session.voucher === undefined) continue
    try {
      const now = authenticator?.current(session)
      if (now === undefined) throw withdrawn()
      if (now !== session) connection.renew(now)
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error
      // Also an API key that is somebody else's now.
      connection.end(error, 'withdrawn')
    }
  }
}

/** @throws ConfigError */
function redefine({ registry, hub }: App, { topics, retention }: Config): void {
  try {
    registry.redefine(topics, { retention })
  } catch (error) {
    // Such as a template that only the limits of the new configuration allow.
    if (error instanceof DefinitionError) throw new ConfigError([`${error.message}; restart if it needs other limits`])
    throw error
  }
  hub.reconsider()
}

/** A key may have changed though its path did not. */
function readsFiles(auth: AuthOptions | undefined): boolean {
  const issuers = auth?.jwt === undefined ? [] : ([auth.jwt].flat() as readonly JwtIssuer[])
  return issuers.some(({ keys }) => keys !== undefined)
}

function withReplaced<Checked extends Settings>(before: Checked, after: Checked): Checked {
  const isKept = ([name]: readonly [string, unknown]): boolean => !(REPLACED as readonly string[]).includes(name)
  const kept = Object.entries(before).filter(isKept)
  const replaced = Object.entries(after).filter((entry) => !isKept(entry))
  return Object.fromEntries([...kept, ...replaced]) as Checked
}

/** The names of settings that are not the same. */
function differing(one: Config, other: Config): readonly string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]) as ReadonlySet<keyof Config>
  return [...names].filter((name) => !isDeepStrictEqual(one[name], other[name])).sort()
}
