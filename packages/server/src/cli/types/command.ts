/** `watchpost types`: the topics of a server, or of a configuration, as types for clients. */
import type { Command } from 'commander'
import { addClientOptions } from '../client-options.ts'
import { examples } from '../options.ts'
import type { TypesFlags } from './make.ts'

export function addTypes(program: Command): void {
  const command = program
    .command('types')
    .description('write the topics of a server as TypeScript types for @watchpost/client')
    .option('--config <file>', 'of this configuration, with all of its topics, instead of a server')
    .option('--name <name>', 'what the interface is called', 'Server')
    .option('--out <file>', 'write it there; default: to stdout')
  addClientOptions(command)
    .addHelpText(
      'after',
      `
Of a server, they are the topics that you may watch or publish to.
The client takes them as createClient<Server>({ url }), with \`import type\` of the file.
${examples(
  'watchpost types --url https://live.example.com --out server.ts',
  'WATCHPOST_TOKEN=... watchpost types > server.ts',
  'watchpost types --config watchpost.config.ts --out server.ts',
)}`,
    )
    .action(async (flags: TypesFlags) => {
      // Loaded here, so that other commands don't pay for it.
      const { makeTypes } = await import('./make.ts')
      await makeTypes(flags)
    })
}
