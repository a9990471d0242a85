/** Options of `serve` and `dev`. */
import type { Command } from 'commander'
import type { ConfigFlags } from '../config/overrides.ts'

/** Flags as the command line gives them. */
export interface ServeFlags extends ConfigFlags {
  readonly config?: string
}

export const addServeOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'the configuration; default: watchpost.config.{ts,mts,js,mjs,json} here')
    .option('--port <n>', 'listen on this port; 0 takes any free one')
    .option('--host <host>', 'listen on this address')
    .option('--data-dir <dir>', 'keep the log here')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')

export const OVERRIDES_HELP = `
Settings come from the configuration file, then from the environment: PORT, HOST, WATCHPOST_PLAINTEXT=true,
WATCHPOST_TRUST_PROXY=10.0.0.0/8,..., WATCHPOST_DATA_DIR, WATCHPOST_DURABILITY, WATCHPOST_LOG_LEVEL,
WATCHPOST_HEARTBEAT_MS, WATCHPOST_COALESCE_MS, WATCHPOST_DRAIN_MS, WATCHPOST_EXPIRING_MS; then from flags.`
