/** `watchpost serve`: a server, until it is told to stop. */
import type { Command } from 'commander'
import type { LoadedConfig } from '../config/load.ts'
import { interruption } from './interrupt.ts'
import { examples } from './options.ts'
import { addServeOptions, OVERRIDES_HELP, type ServeFlags } from './serve-options.ts'

export function addServe(program: Command): void {
  addServeOptions(program.command('serve').description('serve the topics of a configuration, and log JSON lines'))
    .addHelpText(
      'after',
      `${OVERRIDES_HELP}
SIGTERM and Ctrl-C drain it: clients leave one after the other, and it ends with 0; a second one ends it at once, with 130.
SIGHUP makes it read its configuration again: topics, retention, auth and logLevel change at once, and connections stay;
with a configuration that has faults nothing changes.
${examples('watchpost serve', 'watchpost serve --config live.json --port 9000 --data-dir /var/lib/watchpost')}`,
    )
    .action(serve)
}

async function serve({ config: file, ...flags }: ServeFlags): Promise<void> {
  // Loaded here, so that client commands don't pay for a server.
  const [{ loadConfig }, { onHangup }, { start }, { pino }] = await Promise.all([
    import('../config/load.ts'),
    import('./hangup.ts'),
    import('./start.ts'),
    import('pino'),
  ])
  const load = (path: string | undefined): Promise<LoadedConfig> =>
    loadConfig({ cwd: process.cwd(), file: path, env: process.env, flags })
  const loaded = await load(file)
  const logger = pino({ level: loaded.config.logLevel ?? 'info' })
  const starting = start(loaded, logger)
  onHangup(starting, () => load(loaded.file), logger)
  const watchpost = await starting
  await new Promise<void>((resolve) => {
    interruption((signal) => {
      logger.info({ signal }, 'closing')
      resolve()
    })
  })
  await watchpost.drain()
  await watchpost.close()
}
