import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CONFIG,
  cleanUp,
  eventsOf,
  folderWith,
  nobodysUrl,
  runProgram,
  type Serving,
  serveIn,
  startProgram,
  until,
} from './cli-process.ts'

const COMMANDS = ['init', 'serve', 'dev', 'publish', 'watch', 'import', 'export', 'topics', 'docs', 'key', 'token']

let server: Serving

beforeAll(async () => {
  server = await serveIn(folderWith({ 'watchpost.config.json': CONFIG }))
})

afterAll(cleanUp)

describe.concurrent('help', () => {
  it('lists all commands and the exit codes', async () => {
    const { code, stdout } = await runProgram(['--help'])
    expect(code).toBe(0)
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command} `)
    expect(stdout).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.')
  })

  it.each(COMMANDS)('of %s shows examples', async (command) => {
    const { code, stdout } = await runProgram([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^Examples:\n  (?:\\S+=\\S+ )?watchpost ${command} ?`, 'm'))
  })
})

describe.concurrent('exit code 2, wrong usage', () => {
  const wrong: readonly (readonly [string, readonly string[], string])[] = [
    ['an unknown command', ['pubish'], 'publish'],
    ['an unknown option', ['watch', 'stocks', '--kye', 'a'], '--key'],
    ['no topic', ['publish'], "missing required argument 'topic'"],
    ['no type', ['publish', 'stocks', '{}'], '--type is needed'],
    ['data that is no JSON', ['publish', 'stocks', 'hello', '--type', 'x'], `'"like this"'`],
    ['a topic that is none', ['publish', 'a//b', '1', '--type', 'x'], 'a segment is empty'],
    ['a path that leads elsewhere', ['watch', '..'], 'segment ".."'],
    ['no number', ['watch', 'stocks', '--limit', '0'], 'whole number from 1 on'],
    ['a bad URL', ['topics', '--url', 'localhost:8080'], 'must be the URL of a server'],
    ['a format that the name does not tell', ['import', 'stocks', '-'], '--format is needed'],
    ['a pointer without a type', ['import', 'stocks', 'a.csv', '--key', '/a'], 'need --type'],
    ['columns of NDJSON', ['export', 'stocks', '--columns', 'a'], '--columns is for --format csv'],
  ]
  it.each(wrong)('%s', async (_name, args, message) => {
    const { code, stderr, stdout } = await runProgram(args)
    expect(stderr).toContain(message)
    expect([code, stdout]).toEqual([2, ''])
  })
})

describe('exit code 1, failed', () => {
  it('names the fix when no server answers', async () => {
    const url = await nobodysUrl()
    const { code, stderr } = await runProgram(['topics'], { env: { WATCHPOST_URL: url } })
    expect(code).toBe(1)
    expect(stderr).toBe(`watchpost: no server answers at ${url}; start one with \`watchpost serve\`, or pass --url\n`)
  })

  it('shows where an error came from only with --debug', async () => {
    const args = ['publish', 'stocks', '--type', 'x', '--url', server.url]
    const plain = await runProgram(args)
    const debugged = await runProgram([...args, '--debug'])
    expect([plain.code, debugged.code]).toEqual([1, 1])
    expect(plain.stderr).not.toContain('    at ')
    expect(debugged.stderr).toContain('    at ')
  })

  it('says that a server is another kind of server', async () => {
    const { code, stderr } = await runProgram(['topics', '--url', `${server.url}/healthz?`])
    expect(code).toBe(1)
    expect(stderr).toContain('watchpost: ')
  })
})

describe('init', () => {
  it('writes a configuration that serves, and says how to go on', async () => {
    const cwd = folderWith()
    const { code, stdout } = await runProgram(['init', 'live'], { cwd })
    expect(code).toBe(0)
    expect(stdout).toContain('cd live && watchpost dev')
    const serving = await serveIn(join(cwd, 'live'))
    const body = /-d '(.+)'/.exec(stdout)?.[1] ?? ''
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${serving.url}/v1/topics/stocks`, { method: 'POST', headers, body })
    expect(response.status).toBe(201)
    await serving.stop()
  })

  it('replaces a file only with --force', async () => {
    const cwd = folderWith({ 'watchpost.config.ts': 'mine' })
    const refused = await runProgram(['init'], { cwd })
    expect([refused.code, readFileSync(join(cwd, 'watchpost.config.ts'), 'utf8')]).toEqual([1, 'mine'])
    expect(refused.stderr).toContain('--force')
    expect((await runProgram(['init', '--force'], { cwd })).code).toBe(0)
    expect(readFileSync(join(cwd, 'watchpost.config.ts'), 'utf8')).toContain('defineConfig')
  })
})

describe('serve', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('closes in good order at %s', async (signal) => {
    const serving = await serveIn(folderWith({ 'watchpost.config.json': CONFIG }))
    const stream = await fetch(`${serving.url}/v1/topics/stocks`, { headers: { accept: 'text/event-stream' } })
    serving.child.kill(signal)
    const { code, stdout } = await serving.ended
    expect(await stream.text()).toContain('event: goodbye')
    const logged = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg)
    expect([code, logged.at(-1)]).toEqual([0, 'closed'])
  })

  it('shows all that is wrong with a configuration', async () => {
    const cwd = folderWith({ 'watchpost.config.json': '{"topics":{"a":{"evnts":{}}},"lisen":1}' })
    const { code, stderr } = await runProgram(['serve'], { cwd })
    expect(code).toBe(1)
    expect(stderr.trim().split('\n')).toEqual([
      'watchpost: watchpost.config.json: topics.a needs "events"',
      'watchpost: watchpost.config.json: unknown key "evnts" in topics.a; did you mean "events"?',
      'watchpost: watchpost.config.json: unknown key "lisen"; did you mean "listen"?',
    ])
  })

  it('says that a port is taken, and ends', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const { code, stderr } = await runProgram(['serve', '--port', String(server.port)], { cwd })
    expect(code).toBe(1)
    expect(stderr).toContain('another program listens there')
  })

  it('warns of topics that anyone in the network may publish to', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const args = ['serve', '--port', '0', '--host', '0.0.0.0']
    const refused = await runProgram(args, { cwd })
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('listen.plaintext')])
    const started = startProgram(args, { cwd, env: { WATCHPOST_PLAINTEXT: 'true' } })
    await until(() => started.stdout().includes('"listening"'))
    started.child.kill('SIGTERM')
    const { stdout } = await started.ended
    expect(stdout).toContain('"level":40')
    expect(stdout).toContain('"topics":["stocks","n/{name}","any/{name}"]')
    expect(server.stdout()).not.toContain('"level":40')
  })

  it('warns of them behind a proxy too, which may be open to all', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const started = startProgram(['serve', '--port', '0'], { cwd, env: { WATCHPOST_TRUST_PROXY: 'loopback' } })
    await until(() => started.stdout().includes('"listening"'))
    started.child.kill('SIGTERM')
    expect((await started.ended).stdout).toContain('anyone who reaches the proxy before this server may publish')
  })
})

describe('dev', () => {
  it('restarts when the configuration changes, and keeps the old server when that is broken', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const path = join(cwd, 'watchpost.config.json')
    const started = startProgram(['dev', '--port', '0'], { cwd })
    const urls = (): readonly string[] =>
      [...started.stdout().matchAll(/url: "([^"]+)"/g)].map((match) => match[1] ?? '')
    const topics = async (): Promise<string> => (await fetch(`${urls().at(-1)}/v1/topics`)).text()
    await until(() => urls().length === 1)
    writeFileSync(path, CONFIG.replace('"stocks"', '"bonds"'))
    await until(() => urls().length === 2)
    expect(await topics()).toContain('"bonds"')
    writeFileSync(path, '{ "topics": ')
    await until(() => started.stdout().includes('is not JSON'))
    expect(await topics()).toContain('"bonds"')
    started.child.kill('SIGINT')
    expect((await started.ended).code).toBe(0)
  })
})

describe('publish', () => {
  const publish = (...args: readonly string[]): ReturnType<typeof runProgram> =>
    runProgram(['publish', ...args, '--url', server.url])

  it('publishes one event and prints its id', async () => {
    const time = '2026-11-22T12:34:56.789Z'
    const { code, stdout } = await publish('any/one', '[1]', '--type', 'any', '--key', 'k', '--timestamp', time)
    const [event] = await eventsOf(server.url, 'any/one')
    expect(event).toMatchObject({ type: 'any', key: 'k', data: [1], timestamp: time })
    expect([code, stdout]).toEqual([0, `${event?.id}\n`])
  })

  it('publishes a file as one, or not at all', async () => {
    const cwd = folderWith({
      'good.ndjson': '{"n":1}\n\n{"n":2}',
      'bad.ndjson': '{"n":3}\n{"n":"4"}\n',
      'no.ndjson': '1\n{',
    })
    const good = await publish('n/file', '--type', 'n', '--file', join(cwd, 'good.ndjson'))
    const bad = await publish('n/file', '--type', 'n', '--file', join(cwd, 'bad.ndjson'))
    const none = await publish('n/file', '--type', 'n', '--file', join(cwd, 'no.ndjson'))
    expect((await eventsOf(server.url, 'n/file')).map(({ data }) => data)).toEqual([{ n: 1 }, { n: 2 }])
    expect([good.code, good.stdout.split('\n').length]).toEqual([0, 3])
    expect([bad.code, none.code]).toEqual([1, 1])
    expect(bad.stderr).toContain('Event 1, /data/n: must be integer')
    expect(none.stderr).toContain('no.ndjson:2: is not JSON')
  })

  it('publishes events from stdin', async () => {
    const { code } = await runProgram(['publish', 'n/stdin', '--file', '-', '--url', server.url], {
      stdin: '{"type":"n","data":{"n":1},"key":"a"}\n',
    })
    expect(code).toBe(0)
    expect(await eventsOf(server.url, 'n/stdin')).toMatchObject([{ key: 'a', data: { n: 1 } }])
  })

  it('publishes once under an idempotency key', async () => {
    const args = ['n/once', '{"n":1}', '--type', 'n', '--idempotency-key', 'abc']
    const [first, second] = [await publish(...args), await publish(...args)]
    expect(second.stdout).toBe(first.stdout)
    expect(await eventsOf(server.url, 'n/once')).toHaveLength(1)
  })
})

describe('topics', () => {
  it('shows a table, or JSON', async () => {
    const table = await runProgram(['topics', '--url', server.url])
    const json = await runProgram(['topics', '--json', '--url', server.url])
    expect(table.stdout).toMatch(
      /^stocks +watch, publish +keyed +page, long-poll, sse, websocket +priceUpdate +Prices as they change$/m,
    )
    const listed = JSON.parse(json.stdout) as { topics: readonly { topic: string }[] }
    expect(listed.topics.map(({ topic }) => topic)).toContain('n/{name}')
  })
})

it('leaves no file behind where it ran', () => {
  expect(existsSync('.watchpost')).toBe(false)
})
