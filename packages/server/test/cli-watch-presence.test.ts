/** `watchpost watch` and `publish` of events that are not stored, and of who is here [WP-9.3] [WP-9.5]. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { cleanUp, folderWith, runProgram, startProgram, until } from './cli-process.ts'
import { present } from './fixtures/presence.ts'
import { get, post, startServer } from './harness.ts'

afterAll(cleanUp)

const open = { watch: 'anyone', publish: 'anyone' } as const
const TOPICS = {
  room: { events: { message: {}, typing: { ephemeral: true, schema: {} } }, presence: true, ...open },
} as const

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly type: string; readonly id?: string; readonly data: unknown })

it.each(['sse', 'websocket'])(
  'shows events that are not stored, by %s, and remembers where it stands [WP-9.3]',
  async (transport) => {
    const { url } = await startServer({ topics: TOPICS })
    const cwd = folderWith()
    const file = join(cwd, 'seen.cursor')
    const watch = ['watch', 'room', '--url', url, '--transport', transport, '--cursor-file', file, '--format', 'ndjson']
    const publish = async (type: string, data: number) => post(`${url}/v1/topics/room`, { type, data })
    const { id } = (await publish('message', 1)).body.events[0]
    const first = startProgram([...watch, '--after', 'earliest', '--limit', '3'], { cwd })
    await until(() => linesOf(first.stdout()).length > 0)
    // Those that come before it is live are missed.
    for (let data = 2; first.child.exitCode === null; data++) await publish('typing', data)
    const shown = linesOf((await first.ended).stdout)
    expect(shown.map((event) => [event.type, event.id])).toEqual([
      ['message', id],
      ['typing', undefined],
      ['typing', undefined],
    ])
    expect(readFileSync(file, 'utf8').trim()).toBe(id)
    await publish('message', 100)
    const again = await runProgram([...watch, '--limit', '1'], { cwd })
    expect(linesOf(again.stdout).map(({ data }) => data)).toEqual([100])
  },
)

it.each(['sse', 'websocket'])('shows each of several who come at one time, by %s [WP-9.5]', async (transport) => {
  const { url } = await startServer({ topics: TOPICS, limits: { presenceGraceMs: 60_000 } })
  for (let n = 0; n < 12; n++) await present(url, 'room')
  const page = `${url}/v1/topics/$presence/room?limit=1000`
  await expect.poll(async () => (await get(page)).body.events.length, { timeout: 20_000 }).toBe(12)
  const options = ['--transport', transport, '--after', 'earliest', '--limit', '12', '--format', 'ndjson']
  const { stdout } = await runProgram(['watch', '$presence/room', '--url', url, ...options])
  expect(linesOf(stdout)).toEqual((await get(page)).body.events)
})

it.each(['sse', 'websocket'])('watches without being present if it is to, by %s [WP-3.6]', async (transport) => {
  const { url } = await startServer({ topics: TOPICS, limits: { presenceGraceMs: 60_000 } })
  const publish = () => post(`${url}/v1/topics/room`, { type: 'message', data: 1 })
  await publish()
  const options = ['--url', url, '--transport', transport, '--after', 'earliest', '--limit', '2', '--no-presence']
  const watching = startProgram(['watch', 'room', '--format', 'ndjson', ...options])
  await until(() => linesOf(watching.stdout()).length > 0)
  await present(url, 'room')
  const page = `${url}/v1/topics/$presence/room`
  await expect.poll(async () => (await get(page)).body.events.length, { timeout: 20_000 }).toBe(1)
  await publish()
  expect((await watching.ended).code).toBe(0)
  expect((await get(page)).body.events).toHaveLength(1)
})

it('publishes events that are not stored, and shows that they have no id [WP-9.3]', async () => {
  const { url } = await startServer({ topics: TOPICS })
  const lines = ['typing', 'message', 'typing'].map((type) => JSON.stringify({ type, data: 1 }))
  const { stdout } = await runProgram(['publish', 'room', '--file', '-', '--url', url], { stdin: lines.join('\n') })
  expect(stdout).toMatch(/^-\n[a-z0-9]+\.1\n-\n$/)
})
