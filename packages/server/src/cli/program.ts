/** The command line: which commands there are, and how a command's end becomes an exit code. */
import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { addDev } from './dev.ts'
import { addDocs } from './docs/command.ts'
import { addExport } from './export/command.ts'
import { describeFailure, EXIT, exitCodeOf } from './failure.ts'
import { addImport } from './import/command.ts'
import { addInit } from './init.ts'
import { addKey } from './key.ts'
import { addPublish } from './publish.ts'
import { addServe } from './serve.ts'
import { note } from './terminal.ts'
import { addToken } from './token.ts'
import { addTopics } from './topics.ts'
import { addTypes } from './types/command.ts'
import { addWatch } from './watch/command.ts'

const EPILOGUE = `
Start here:
  watchpost init        writes watchpost.config.ts
  watchpost dev         serves it, and restarts when it changes
  watchpost watch '**'  shows every event as it comes

Client commands talk to --url, else WATCHPOST_URL, else http://127.0.0.1:8080. They send the token or API key that is in
--token-file, else in WATCHPOST_TOKEN. NODE_EXTRA_CA_CERTS=FILE names the authority of a certificate of your own (https).
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.`

/** Runs the command that `argv` names, and answers its exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  // A reader such as `head` that has seen enough closes the pipe; that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok)
    note(`watchpost: ${describeFailure(error, 'stdout')}`)
    process.exit(EXIT.failed)
  })
  const program = createProgram()
  try {
    await program.parseAsync(argv)
    return EXIT.ok
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    const text = describeFailure(error)
    if (text !== '')
      note(
        text
          .split('\n')
          .map((line) => `watchpost: ${line}`)
          .join('\n'),
      )
    if (program.opts<{ debug?: boolean }>().debug === true) note(error instanceof Error ? (error.stack ?? '') : '')
    return exitCodeOf(error)
  }
}

function createProgram(): Command {
  const program = new Command('watchpost')
    .description('Give any API watch routes: publish an event once, and every client picks how to watch it.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .option('--debug', 'show where an error came from')
    .showHelpAfterError('(see --help)')
    .exitOverride()
    .addHelpText('after', EPILOGUE)
  for (const add of [
    addInit,
    addServe,
    addDev,
    addPublish,
    addWatch,
    addImport,
    addExport,
    addTopics,
    addTypes,
    addDocs,
    addKey,
    addToken,
  ])
    add(program)
  return program
}
