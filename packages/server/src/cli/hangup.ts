/** SIGHUP: `serve` reads its configuration again, and goes on with the one that it has if that has faults. */
import type { Logger } from 'pino'
import type { LoadedConfig } from '../config/load.ts'
import type { Watchpost } from '../watchpost.ts'
import { describeFailure } from './failure.ts'
import { warnIfOpen } from './start.ts'

/**
 * Listens from now on, so that the signal never ends the process; it is acted on as soon as the server has started. One
 * configuration is taken after the other.
 */
export function onHangup(starting: Promise<Watchpost>, load: () => Promise<LoadedConfig>, logger: Logger): void {
  let last: Promise<void> = starting.then(
    () => undefined,
    () => undefined,
  )
  const reload = async (): Promise<void> => {
    try {
      const { config, file } = await load()
      ;(await starting).reload(config)
      logger.level = config.logLevel ?? 'info'
      logger.info({ file }, 'the configuration was read again')
      warnIfOpen(config, logger)
    } catch (error) {
      const text = `the configuration can't be used; the one that runs stays: ${describeFailure(error)}`
      logger.error(text)
    }
  }
  process.on('SIGHUP', () => {
    last = last.then(reload)
  })
}
