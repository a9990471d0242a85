/** This package's version, as `welcome`, `/healthz` and `--version` tell it. */
import { createRequire } from 'node:module'

export const version: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version
