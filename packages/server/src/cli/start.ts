/** Starts a server from a configuration that was loaded, for `serve` and `dev`. */
import type { Logger } from 'pino'
import type { LoadedConfig } from '../config/load.ts'
import { isLoopback } from '../http/address.ts'
import { createWatchpost } from '../server.ts'
import type { Watchpost } from '../watchpost.ts'

/** Opens the log and listens. Whoever gets the server must close it. */
export async function start({ config, file, overrides }: LoadedConfig, logger: Logger): Promise<Watchpost> {
  logger.info({ file, overrides: overrides.map(({ setting, by }) => `${setting} by ${by}`) }, 'configuration')
  warnIfOpen(config, logger)
  const watchpost = await createWatchpost(config, { logger })
  try {
    await watchpost.listen()
    return watchpost
  } catch (error) {
    await watchpost.close()
    throw error
  }
}

/** Publishing is for everyone by a configuration that is right for one machine, and may not be for others. */
export function warnIfOpen(config: LoadedConfig['config'], logger: Logger): void {
  const host = config.listen?.host ?? '127.0.0.1'
  // A proxy, if there is one, may be open to all.
  const isProxied = config.trustProxy !== undefined
  if (isLoopback(host) && !isProxied) return
  const topics = Object.entries(config.topics).flatMap(([name, { publish }]) => (publish === 'anyone' ? [name] : []))
  if (topics.length === 0) return
  const [what, fix] = isProxied
    ? ['the proxy before this server', 'give them a `publish` rule']
    : ['this host', 'listen on 127.0.0.1, or give them a `publish` rule']
  logger.warn({ host, topics }, `anyone who reaches ${what} may publish to these topics; ${fix}`)
}
