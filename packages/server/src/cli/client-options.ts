/** Options of the commands that talk to a server: which one, and with what credentials. */
import { type Command, Option } from 'commander'
import { Client } from './client.ts'
import { Credentials } from './credentials.ts'
import { usageFailure } from './failure.ts'

const DEFAULT_URL = 'http://127.0.0.1:8080'

/** Flags as the command line gives them. */
export interface ClientFlags {
  readonly url: string
  readonly token?: string
  readonly tokenFile?: string
}

export const addClientOptions = (command: Command): Command =>
  command
    .addOption(new Option('--url <url>', 'the server').env('WATCHPOST_URL').default(DEFAULT_URL))
    .option('--token-file <file>', 'send the token or API key in this file; default: WATCHPOST_TOKEN, if it is set')
    // Known, so that whoever tries it is told why not, and without its value.
    .addOption(new Option('--token <token>').hideHelp())

/** @throws CliFailure (usage) */
export function clientOf({ url, token, tokenFile }: ClientFlags): Client {
  if (token !== undefined) {
    throw usageFailure(
      '--token: all users of a machine can read its command lines; put the token into the environment variable WATCHPOST_TOKEN or a file for --token-file',
    )
  }
  // An option counts before the environment.
  return new Client(
    url,
    new Credentials(tokenFile, tokenFile === undefined ? process.env['WATCHPOST_TOKEN'] : undefined),
  )
}
