/** `watchpost dev`: a server that starts anew whenever its configuration changes, with a log for people. */
import { watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Command } from 'commander'
import type { Logger } from 'pino'
import type { LoadedConfig } from '../config/load.ts'
import type { Watchpost } from '../watchpost.ts'
import { describeFailure } from './failure.ts'
import { interruption } from './interrupt.ts'
import { examples } from './options.ts'
import { addServeOptions, OVERRIDES_HELP, type ServeFlags } from './serve-options.ts'
import { hasColours } from './terminal.ts'

/** Editors write a file in several steps. */
const SETTLE_MS = 150

export function addDev(program: Command): void {
  addServeOptions(program.command('dev').description('as serve, with a log for people and a restart at each change'))
    .addHelpText('after', `${OVERRIDES_HELP}\n${examples('watchpost dev', 'watchpost dev --port 9000')}`)
    .action(dev)
}

async function dev({ config: named, ...flags }: ServeFlags): Promise<void> {
  const [{ loadConfig }, { start }, { pino }, { default: pretty }] = await Promise.all([
    import('../config/load.ts'),
    import('./start.ts'),
    import('pino'),
    import('pino-pretty'),
  ])
  const load = (file: string | undefined): Promise<LoadedConfig> =>
    loadConfig({ cwd: process.cwd(), file, env: process.env, flags })
  const first = await load(named)
  const level = first.config.logLevel ?? 'info'
  const stream = pretty({
    colorize: hasColours(process.stdout),
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    sync: true,
  })
  const logger = pino({ level }, stream)
  const starting = start(first, logger).then((watchpost) => new Running(watchpost, first, start, logger))
  // Watched from now on: whoever sees the URL in the log may change the file before the next line is reached.
  const changes = onChange(first.file, () => {
    starting.then(
      (running) => running.restart(() => load(first.file)),
      () => undefined,
    )
  })
  const running = await starting.catch((error: unknown) => {
    changes.stop()
    throw error
  })
  await new Promise<void>((resolve) => {
    interruption(() => resolve())
  })
  changes.stop()
  await running.close()
}

type Start = (loaded: LoadedConfig, logger: Logger) => Promise<Watchpost>

/** The server that runs now. Restarts happen one after the other. */
class Running {
  readonly #start: Start
  readonly #logger: Logger
  #watchpost: Watchpost | undefined
  #loaded: LoadedConfig
  #last: Promise<void> = Promise.resolve()

  constructor(watchpost: Watchpost, loaded: LoadedConfig, start: Start, logger: Logger) {
    this.#watchpost = watchpost
    this.#loaded = loaded
    this.#start = start
    this.#logger = logger
  }

  restart(load: () => Promise<LoadedConfig>): Promise<void> {
    this.#last = this.#last.then(() => this.#restart(load))
    return this.#last
  }

  async #restart(load: () => Promise<LoadedConfig>): Promise<void> {
    const before = this.#loaded
    try {
      this.#loaded = await load()
    } catch (error) {
      this.#logger.error(`the configuration changed, but can't be used; the old one stays\n${describeFailure(error)}`)
      return
    }
    this.#logger.info('the configuration changed')
    this.#logger.level = this.#loaded.config.logLevel ?? 'info'
    await this.#watchpost?.close()
    this.#watchpost = undefined
    // What only shows at the start, such as a port that is taken, must not leave the developer without a server.
    if (await this.#tryStart(this.#loaded)) return
    this.#loaded = before
    await this.#tryStart(before)
  }

  async #tryStart(loaded: LoadedConfig): Promise<boolean> {
    try {
      this.#watchpost = await this.#start(loaded, this.#logger)
      return true
    } catch (error) {
      this.#logger.error(describeFailure(error))
      return false
    }
  }

  async close(): Promise<void> {
    await this.#last
    await this.#watchpost?.close()
  }
}

/** Calls back once a file has changed and settled. The folder is watched, since editors put a new file in the place of the old. */
function onChange(file: string, callback: () => void): { stop(): void } {
  const name = basename(file)
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(dirname(file), (_event, changed) => {
    if (changed !== name) return
    clearTimeout(timer)
    timer = setTimeout(callback, SETTLE_MS)
  })
  return {
    stop: () => {
      clearTimeout(timer)
      watcher.close()
    },
  }
}
