/** What the documents say of events that are not stored, and of who is here [WP-3.18] [WP-9.3] [WP-9.4]. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Parser } from '@asyncapi/parser'
import { describe, expect, it } from 'vitest'
import { type AsyncApi, AsyncApiJudge } from './fixtures/asyncapi-judge.ts'
import { present } from './fixtures/presence.ts'
import { SocketLog } from './fixtures/socket-log.ts'
import { get, openSse, post, serverForAll, temporaryDir } from './harness.ts'

const open = { watch: 'anyone', publish: 'anyone' } as const

const TOPICS = {
  'chat/{room}': {
    events: { message: { type: 'string' }, typing: { ephemeral: true, schema: { type: 'string' } } },
    presence: true,
    ...open,
  },
  pens: { events: { hover: { ephemeral: true, schema: { type: 'object' } } }, key: '/pen', ...open },
} as const

const run = promisify(execFile)
const { resolve: resolvePackage } = createRequire(import.meta.url)

/** Runs the linter of a package, which fails by what it finds. */
async function lint(name: string, bin: string, args: readonly string[]): Promise<void> {
  const file = resolvePackage(`${name}/package.json`)
  const { bin: bins } = JSON.parse(readFileSync(file, 'utf8')) as { readonly bin: Readonly<Record<string, string>> }
  const env = { ...process.env, CI: 'true', REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  await run(process.execPath, [join(file, '..', bins[bin] ?? ''), ...args], { env })
}

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))

describe('the documents', () => {
  const server = serverForAll({ topics: TOPICS })
  const schemasOf = async (document: string) => (await get(`${server.url}/${document}.json`)).body.components.schemas

  it.each(['openapi', 'asyncapi'])('of %s say which events have no id, and are in no page', async (document) => {
    const schemas = await schemasOf(document)
    expect(schemas['chat.room.typing'].required).not.toContain('id')
    expect(schemas['chat.room.typing'].properties).not.toHaveProperty('id')
    expect(schemas['chat.room.typing'].description).toContain('Not stored')
    expect(schemas['chat.room.message'].required).toContain('id')
  })

  it('of OpenAPI have only what is stored in pages, and describe who is here', async () => {
    const { body } = await get(`${server.url}/openapi.json`)
    const { schemas } = body.components
    expect(schemas['chat.room.page'].properties.events.items).toEqual({ $ref: '#/components/schemas/chat.room.stored' })
    expect(schemas['chat.room.stored']).toEqual({ $ref: '#/components/schemas/chat.room.message' })
    const paths = Object.keys(body.paths).filter((path) => path.includes('$presence'))
    expect(paths).toEqual(['/v1/topics/$presence/chat/{room}', '/v1/state/$presence/chat/{room}'])
    expect(Object.keys(body.paths['/v1/topics/$presence/chat/{room}'])).not.toContain('post')
    const file = join(await temporaryDir(), 'openapi.json')
    await writeFile(file, JSON.stringify(body))
    await lint('@redocly/cli', 'redocly', ['lint', file, '--config', fixture('redocly.yaml')])
    const rules = ['--ruleset', fixture('spectral.yaml'), '--fail-severity', 'hint']
    await lint('@stoplight/spectral-cli', 'spectral', ['lint', file, ...rules])
  }, 120_000)

  it('of AsyncAPI are good by its parser, and describe what is really sent [WP-9.5]', async () => {
    const { body } = await get(`${server.url}/asyncapi.json`)
    const { diagnostics } = await new Parser().parse(JSON.stringify(body))
    expect(diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version')).toEqual([])
    const document = body as AsyncApi
    const judge = new AsyncApiJudge(document)
    const names = Object.keys(document.channels).filter((name) =>
      document.channels[name]?.address.includes('$presence'),
    )
    expect(names.length).toBeGreaterThan(0)
    const stream = await openSse(`${server.url}/v1/topics/chat/lobby`)
    const watching = await SocketLog.open(`${server.url}/v1`)
    await watching.request('subscribe', { topic: '$presence/chat/lobby' })
    await post(`${server.url}/v1/topics/chat/lobby`, { type: 'typing', data: 'ana' })
    const typing = await stream.next(({ event }) => event === 'typing')
    await Promise.all(Array.from({ length: 9 }, () => present(server.url, 'chat/lobby')))
    const several = await watching.next(({ type }) => type === 'events')
    const messages = Object.keys(document.components.messages)
    const framed = messages.filter((name) => name.endsWith('.sse'))
    expect(judge.fitting(framed, typing.data, { event: 'typing' })).toEqual(['chat.room.typing.sse'])
    expect(judge.fitting(['events'], several)).toEqual(['events'])
    const own = messages.filter((name) => name.startsWith('_presence') && !name.endsWith('.sse'))
    for (const event of several['data'].events) {
      expect(judge.fitting(own, event)).toEqual(['_presence.chat.room.presence'])
    }
  })
})
