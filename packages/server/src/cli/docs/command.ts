/** `watchpost docs`: the documents of a configuration, and what has changed between two of them. */
import { type Command, Option } from 'commander'
import type { OpenApiVersion } from '../../documents/openapi/media.ts'
import { examples } from '../options.ts'

interface MakeFlags {
  readonly config?: string
  readonly out?: string
  readonly url?: string
  readonly yaml?: true
  readonly spec?: OpenApiVersion
}

/** Adds `docs` and its own commands. */
export function addDocs(program: Command): void {
  const docs = program
    .command('docs')
    .description('write the OpenAPI or AsyncAPI document, or tell what changed between two')
    .addHelpText(
      'after',
      `\n${examples('watchpost docs openapi --out openapi.json', 'watchpost docs diff old.json openapi.json')}`,
    )
  addMake(docs, 'openapi', 'write the OpenAPI document of a configuration, with all of its topics').addOption(
    new Option('--spec <version>', 'of OpenAPI; 3.2 can say what the items of a stream are')
      .choices(['3.1', '3.2'])
      .default('3.1'),
  )
  addMake(docs, 'asyncapi', 'write the AsyncAPI document of a configuration, with all of its topics')
  docs
    .command('diff')
    .description('tell what changed between two documents of one kind, and whether it breaks watchers or publishers')
    .argument('<old>', 'the OpenAPI or AsyncAPI document of before, JSON or YAML')
    .argument('<new>', 'the one of now')
    .addHelpText(
      'after',
      `
Watchers are broken by what they could rely on and no longer can: a topic, event type, transport or state that is gone,
a member that may be missing, values that there could not be. Publishers are broken by what is no longer taken: a member
that must be given, values that are refused. Both are broken by credentials that no longer suffice, and by lower limits
of what requests can hold. Whatever can't be told counts as breaking, and is said to. A member that is new and need not
be given breaks nobody, although whoever sent something else by its name is refused now.
Compared only where \`watchpost docs\` made both documents, since those of a server have none of it: rules of access, masks,
what keys are made of, onSlow, and limits in bytes.
What is in no document is not compared: which holders of good credentials are granted a topic, what functions of the
configuration answer, and how long events are kept.
AsyncAPI tells less than OpenAPI: nothing of pages, of scopes only the rules of access, nor what only JSON Schema 2020-12 can say.
Exit codes: 0 nothing breaks, 1 something does, 2 the documents can't be compared.
${examples('watchpost docs diff released/openapi.json openapi.json', 'watchpost docs diff released.yaml asyncapi.yaml')}`,
    )
    .action(async (before: string, after: string) => {
      const { diff } = await import('./diff.ts')
      await diff(before, after)
    })
}

function addMake(docs: Command, kind: 'openapi' | 'asyncapi', description: string): Command {
  return docs
    .command(kind)
    .description(description)
    .option('--config <file>', 'the configuration; default: watchpost.config.{ts,mts,js,mjs,json} here')
    .option('--url <url>', 'where clients reach the server; default: where the configuration listens')
    .option('--out <file>', 'write it there; default: to stdout')
    .option('--yaml', 'as YAML; a file that is named so is, too')
    .addHelpText(
      'after',
      examples(`watchpost docs ${kind}`, `watchpost docs ${kind} --url https://live.example.com --out ${kind}.yaml`),
    )
    .action(async (flags: MakeFlags) => {
      // Loaded here, so that other commands don't pay for it.
      const { make } = await import('./make.ts')
      await make(kind, flags)
    })
}
