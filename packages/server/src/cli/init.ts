/** `watchpost init`: a configuration to begin with. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { Command } from 'commander'
import { CliFailure } from './failure.ts'
import { examples } from './options.ts'

const NAME = 'watchpost.config.ts'

/** What a configuration imports; the program that loads it puts itself in its place. */
const PACKAGE = 'watchpost'

const TEMPLATE = `import { defineConfig, topic } from '${PACKAGE}'

// Any change is checked at the next start; \`watchpost dev\` restarts by itself.
export default defineConfig({
  // 127.0.0.1 is this machine only. '0.0.0.0' is every network that it is in, where the server listens only with
  // tls: { cert: 'cert.pem', key: 'key.pem' }, behind a proxy that ends TLS and that trustProxy names, or, in a network
  // that is private itself, with plaintext: true.
  listen: { host: '127.0.0.1', port: 8080 },

  // Where the log is kept.
  dataDir: '.watchpost',

  // Web pages of these origins may watch from a browser.
  // cors: { origins: ['http://localhost:3000'] },

  topics: {
    stocks: topic({
      description: 'Prices as they change',

      // Each event type and the JSON Schema of its data. With Zod 4.2 or later (npm install zod), and
      // \`import { z } from 'zod'\`, the same is: priceUpdate: z.object({ symbol: z.string(), price: z.number().positive() })
      events: {
        priceUpdate: {
          type: 'object',
          required: ['symbol', 'price'],
          properties: { symbol: { type: 'string' }, price: { type: 'number', exclusiveMinimum: 0 } },
        },
      },

      // The latest event of each key is the topic's state: GET /v1/state/stocks
      key: '/symbol',

      // What is older is trimmed. Without this, everything is kept.
      retention: { events: 100_000, ageMs: 7 * 86_400_000 },

      // Who may use the topic: 'anyone', 'authenticated', { scope: '...' }, or a function of { identity, topic, params }.
      // Without a rule, who was granted it by a token or API key (auth; see \`watchpost key --help\`).
      watch: 'anyone',
      publish: 'anyone',
    }),

    // One definition for a family of topics: chat/lobby, chat/games, ...
    'chat/{room}': topic({
      events: {
        message: {
          type: 'object',
          required: ['text'],
          properties: { text: { type: 'string', maxLength: 2_000 } },
        },
      },
      watch: 'anyone',
      publish: 'anyone',
    }),
  },
})
`

export function addInit(program: Command): void {
  program
    .command('init')
    .description('write a watchpost.config.ts to begin with')
    .argument('[dir]', 'where to write it', '.')
    .option('--force', 'replace one that is there')
    .addHelpText('after', examples('watchpost init', 'watchpost init live --force'))
    .action(init)
}

async function init(dir: string, { force = false }: { readonly force?: boolean }): Promise<void> {
  const path = join(dir, NAME)
  await mkdir(dir, { recursive: true })
  try {
    await writeFile(path, TEMPLATE, { flag: force ? 'w' : 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new CliFailure(`${path} is there already; pass --force to replace it`)
  }
  process.stdout.write(nextSteps(path, dir))
}

function nextSteps(path: string, dir: string): string {
  const away = relative('.', dir)
  return `Wrote ${path}.

Next:
  ${away === '' ? '' : `cd ${away} && `}watchpost dev

It documents itself, and lets you try it, at http://127.0.0.1:8080/docs

Then, in another terminal, watch:
  curl -N -H 'Accept: text/event-stream' http://127.0.0.1:8080/v1/topics/stocks

and publish:
  curl http://127.0.0.1:8080/v1/topics/stocks -H 'Content-Type: application/json' \\
    -d '{"type":"priceUpdate","data":{"symbol":"MSFT","price":39.81}}'
`
}
