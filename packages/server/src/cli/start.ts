/** Starts a server from a configuration that was loaded, for `serve` and `dev`. */
import type { Logger } from 'pino'
import type { LoadedConfig } from '../config/load.ts'
import { createWatchpost } from '../server.ts'
import type { Watchpost } from '../watchpost.ts'

/** Opens the log and listens. Whoever gets the server must close it. */
export async function start({ config, file, overrides }: LoadedConfig, logger: Logger): Promise<Watchpost> {
  logger.info({ file, overrides: overrides.map(({ setting, by }) => `${setting} by ${by}`) }, 'configuration')
  warnIfOpen({ config, logger })
  const watchpost = await createWatchpost(config, { logger })
  try {
    await watchpost.listen()
    return watchpost
  } catch (error) {
    await watchpost.close()
    throw error
  }
}

function warnIfOpen({ config, logger }: { readonly config: LoadedConfig['config']; readonly logger: Logger }): void {
  const host = config.listen?.host ?? '127.0.0.1'
  if (/^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(host)) return
  const topics = Object.entries(config.topics).flatMap(([name, { publish }]) => (publish === 'anyone' ? [name] : []))
  if (topics.length === 0) return
  logger.warn(
    { host, topics },
    'anyone who reaches this host may publish to these topics; listen on 127.0.0.1, or give them a `publish` rule',
  )
}
