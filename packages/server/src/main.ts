#!/usr/bin/env node
/**
 * The program `watchpost`: hands the command line to cli/program.ts, whose `serve` starts a server.
 *
 * Next on the way down: server.ts.
 */
import { run } from './cli/program.ts'

process.exitCode = await run(process.argv)
