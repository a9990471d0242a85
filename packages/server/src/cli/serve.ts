/** `watchpost serve`: a server, until it is told to stop. */
import type { Command } from 'commander'
import { interruption } from './interrupt.ts'
import { examples } from './options.ts'
import { addServeOptions, OVERRIDES_HELP, type ServeFlags } from './serve-options.ts'

export function addServe(program: Command): void {
  addServeOptions(program.command('serve').description('serve the topics of a configuration, and log JSON lines'))
    .addHelpText(
      'after',
      `${OVERRIDES_HELP}
SIGTERM and Ctrl-C let it finish what it is doing, and it ends with 0; a second one ends it at once, with 130.
${examples('watchpost serve', 'watchpost serve --config live.json --port 9000 --data-dir /var/lib/watchpost')}`,
    )
    .action(serve)
}

async function serve({ config: file, ...flags }: ServeFlags): Promise<void> {
  // Loaded here, so that client commands don't pay for a server.
  const [{ loadConfig }, { start }, { pino }] = await Promise.all([
    import('../config/load.ts'),
    import('./start.ts'),
    import('pino'),
  ])
  const loaded = await loadConfig({ cwd: process.cwd(), file, env: process.env, flags })
  const logger = pino({ level: loaded.config.logLevel ?? 'info' })
  const watchpost = await start(loaded, logger)
  await new Promise<void>((resolve) => {
    interruption((signal) => {
      logger.info({ signal }, 'closing')
      resolve()
    })
  })
  await watchpost.close()
}
