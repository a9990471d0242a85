import { copyFileSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  CONFIG,
  type Ended,
  eventsOf,
  folderWith,
  recordsDone,
  runProgram,
  serveForAll,
  serveIn,
  startProgram,
  until,
} from './cli-process.ts'

const server = serveForAll()

const importArgs = (...args: readonly string[]): readonly string[] => ['import', ...args, '--url', server.url]

const importFile = (...args: readonly string[]): Promise<Ended> => runProgram(importArgs(...args))

const fileWith = (name: string, content: string): string => join(folderWith({ [name]: content }), name)

const dataOf = async (topic: string): Promise<readonly unknown[]> =>
  (await eventsOf(server.url, topic)).map(({ data }) => data)

const numbers = (count: number): readonly { readonly n: number }[] =>
  Array.from({ length: count }, (_each, n) => ({ n }))

const ndjson = (records: readonly object[]): string => records.map((record) => `${JSON.stringify(record)}\n`).join('')

describe.concurrent('import of', () => {
  it('NDJSON whose records are data, with pointers', async () => {
    const file = fileWith(
      'a.ndjson',
      '\uFEFF{"s":"a","at":"2020-01-01T00:00:00Z"}\r\n\n{"s":7,"at":"2020-01-02T00:00:00Z"}',
    )
    const { code, stdout } = await importFile('any/a', file, '--type', 'any', '--key', '/s', '--timestamp', '/at')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^imported 2 events in [\d.]+ s \([\d,]+ events\/s\)\n$/)])
    const events = await eventsOf(server.url, 'any/a')
    expect(events.map(({ key, timestamp, data }) => [key, timestamp, data])).toEqual([
      ['a', '2020-01-01T00:00:00.000Z', { s: 'a', at: '2020-01-01T00:00:00Z' }],
      ['7', '2020-01-02T00:00:00.000Z', { s: 7, at: '2020-01-02T00:00:00Z' }],
    ])
  })

  it('NDJSON whose records are events', async () => {
    const file = fileWith(
      'a.jsonl',
      '{"type":"other","topic":"x","id":"e.1","key":"k","data":[1],"timestamp":"2020-01-01T00:00:00Z"}\n',
    )
    expect((await importFile('any/events', file)).code).toBe(0)
    expect(await eventsOf(server.url, 'any/events')).toMatchObject([
      { type: 'other', topic: 'any/events', key: 'k', data: [1] },
    ])
  })

  it('a JSON array, however it is laid out', async () => {
    const records = [{ a: '],[{"\\', b: [[1], {}] }, 'text, with ] and "', 12.5, null, [], { c: { d: '\n' } }]
    const pretty = fileWith('a.json', `\n ${JSON.stringify(records, null, 2)}\n`)
    expect((await importFile('any/json', pretty, '--type', 'any')).code).toBe(0)
    expect(await dataOf('any/json')).toEqual(records)
    expect((await importFile('any/empty', fileWith('b.json', ' [ ] '), '--type', 'any')).stdout).toContain(
      'imported 0 events',
    )
  })

  const csv = 'symbol,price,ok,code,note\nA,1.5,true,007,\n"B, ""b""\nb",2,false,1e999,x\n'

  it('CSV, typed', async () => {
    expect((await importFile('any/csv', fileWith('a.csv', csv), '--type', 'any')).code).toBe(0)
    expect(await dataOf('any/csv')).toEqual([
      { symbol: 'A', price: 1.5, ok: true, code: '007' },
      { symbol: 'B, "b"\nb', price: 2, ok: false, code: '1e999', note: 'x' },
    ])
  })

  it('CSV as text', async () => {
    await importFile('any/text', fileWith('a.csv', csv), '--type', 'any', '--csv-types', 'string')
    expect((await dataOf('any/text'))[0]).toEqual({ symbol: 'A', price: '1.5', ok: 'true', code: '007', note: '' })
  })

  it('stdin', async () => {
    const args = importArgs('n/stdin', '-', '--format', 'ndjson', '--type', 'n')
    expect((await runProgram(args, { stdin: ndjson(numbers(3)) })).code).toBe(0)
    expect(await dataOf('n/stdin')).toEqual(numbers(3))
  })

  const broken: readonly (readonly [string, string, string, string])[] = [
    ['no array', 'a.json', '{"n":1}', 'is not a JSON array'],
    ['an array without end', 'a.json', '[{"n":1}', 'has no end'],
    ['more than an array', 'a.json', '[] []', 'more after the end'],
    ['what is not UTF-8', 'a.ndjson', '', 'is not UTF-8'],
    ['quotes without end', 'a.csv', 'n\n"1\n', 'is not CSV'],
    ['columns with one name', 'a.csv', 'n,n\n1,2\n', 'two columns are named "n"'],
  ]
  it.each(broken)('%s fails', async (name, fileName, content, message) => {
    const file = fileWith(fileName, content)
    if (name.includes('UTF-8')) writeFileSync(file, Buffer.from([0x22, 0xff, 0x22]))
    const { code, stderr } = await importFile('n/broken', file, '--type', 'n')
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)])
    expect(existsSync(`${file}.watchpost-import`)).toBe(false)
  })
})

describe.concurrent('a bad record', () => {
  const bad: readonly (readonly [string, string, string])[] = [
    ['that the topic refuses', '{"n":"x"}', 'is refused: /data/n must be integer'],
    ['that is no JSON', '{"n":', 'is not JSON'],
    ['that is too large', `{"n":1,"x":"${'x'.repeat(70_000)}"}`, 'is too large: An event may have 65536 bytes'],
  ]
  it.each(bad)('%s stops the import, which goes on once it is mended', async (name, line, message) => {
    const topic = `n/mend-${name.length}`
    const good = numbers(25)
    const file = fileWith('a.ndjson', ndjson([...good.slice(0, 17)]) + line + '\n' + ndjson(good.slice(18)))
    const args = [topic, file, '--type', 'n', '--batch', '10']
    const stopped = await importFile(...args)
    expect(stopped.code).toBe(1)
    expect(stopped.stderr).toContain('record 18 (line 18) ')
    expect(stopped.stderr).toContain(message)
    const done = await dataOf(topic)
    expect(done).toEqual(good.slice(0, done.length))
    expect(done.length).toBeGreaterThanOrEqual(10)
    expect(done.length).toBeLessThan(18)
    writeFileSync(file, ndjson(good))
    const { code, stdout } = await importFile(...args)
    expect([code, stdout]).toEqual([0, expect.stringContaining('25 with those of earlier runs')])
    expect(await dataOf(topic)).toEqual(good)
    expect(existsSync(`${file}.watchpost-import`)).toBe(false)
  })

  it('is passed over with --skip-invalid, and counted', async () => {
    const good = numbers(20)
    const lines = [
      '{"n":"x"}\n',
      '{"n":\n',
      ...good.map((record) => ndjson([record])),
      '[]\n',
      `{"n":0,"x":"${'x'.repeat(70_000)}"}\n`,
    ]
    const file = fileWith('a.ndjson', lines.join(''))
    const { code, stdout, stderr } = await importFile('n/skip', file, '--type', 'n', '--skip-invalid', '--batch', '8')
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^imported 20 events .*; 4 skipped\n$/)])
    expect(stderr.match(/skipped record \d+/g)?.sort()).toEqual([1, 2, 23, 24].map((n) => `skipped record ${n}`))
    expect(await dataOf('n/skip')).toEqual(good)
  })

  it('of CSV is named by its line', async () => {
    const file = fileWith('a.csv', 'n\n1\n2,3\n')
    const { stderr } = await importFile('n/csv-bad', file, '--type', 'n')
    expect(stderr).toContain('record 2 (line 3) has 2 cells, where the first line has 1')
  })

  it('that is no event says to pass --type', async () => {
    const { stderr } = await importFile('n/no-type', fileWith('a.ndjson', '{"n":1}\n'))
    expect(stderr).toContain('pass --type')
  })
})

describe.concurrent('an import that is interrupted', () => {
  const COUNT = 2_500
  const BATCH = ['--batch', '10']

  it.each(['SIGINT', 'SIGKILL'] as const)('by %s goes on where it was', async (signal) => {
    const topic = `n/${signal}`
    const file = fileWith('a.ndjson', ndjson(numbers(COUNT)))
    const checkpoint = `${file}.watchpost-import`
    const args = importArgs(topic, file, '--type', 'n', ...BATCH)
    for (const part of [0.2, 0.5]) {
      const started = startProgram(args)
      await until(() => recordsDone(checkpoint) > COUNT * part)
      started.child.kill(signal)
      const { code, stderr } = await started.ended
      expect(code).toBe(signal === 'SIGINT' ? 130 : null)
      expect(stderr.includes('run the same command again to go on')).toBe(signal === 'SIGINT')
      expect(recordsDone(checkpoint)).toBeLessThan(COUNT)
    }
    const { code, stdout, stderr } = await runProgram(args)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^going on after record \d+\n/)])
    expect(stdout).toContain(`${COUNT} with those of earlier runs`)
    expect(await dataOf(topic)).toEqual(numbers(COUNT))
    expect(existsSync(checkpoint)).toBe(false)
  })

  it('repeats nothing that was published and not written down', async () => {
    const file = fileWith('a.ndjson', ndjson(numbers(COUNT)))
    const checkpoint = `${file}.watchpost-import`
    const args = importArgs('n/lost', file, '--type', 'n', ...BATCH)
    const started = startProgram(args)
    await until(() => recordsDone(checkpoint) > 500)
    copyFileSync(checkpoint, `${checkpoint}.old`)
    await until(() => recordsDone(checkpoint) > 1_000)
    started.child.kill('SIGKILL')
    await started.ended
    copyFileSync(`${checkpoint}.old`, checkpoint)
    const { code, stdout } = await runProgram(args)
    expect([code, stdout]).toEqual([0, expect.stringContaining('were in the log already')])
    expect(await dataOf('n/lost')).toEqual(numbers(COUNT))
  })

  it('refuses to go on when what was done has changed', async () => {
    const file = fileWith('a.ndjson', ndjson([...numbers(20), { n: 'x' } as never]))
    const args = ['n/changed', file, '--type', 'n', '--batch', '10'] as const
    await importFile(...args)
    expect(recordsDone(`${file}.watchpost-import`)).toBe(20)
    writeFileSync(file, ndjson([{ n: -1 }, ...numbers(20)]))
    const { code, stderr } = await importFile(...args)
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('the first 20 records were imported before, and have changed since'),
    ])
    const other = await importFile('n/other', ...args.slice(1))
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('another topic or other options')])
    expect(await dataOf('n/changed')).toHaveLength(20)
  })

  it('lives through a restart of the server', async () => {
    const cwd = folderWith({ 'watchpost.config.json': CONFIG })
    const first = await serveIn(cwd)
    const file = fileWith('a.ndjson', ndjson(numbers(COUNT)))
    const started = startProgram(['import', 'n/restart', file, '--type', 'n', ...BATCH, '--url', first.url])
    await until(() => recordsDone(`${file}.watchpost-import`) > 500)
    await first.stop()
    const second = await serveIn(cwd, first.port)
    expect((await started.ended).code).toBe(0)
    expect((await eventsOf(second.url, 'n/restart')).map(({ data }) => data)).toEqual(numbers(COUNT))
    await second.stop()
  })
})

describe.concurrent('the same file once more', () => {
  it('is published only if asked for, or if it changed', async () => {
    const file = fileWith('a.ndjson', ndjson(numbers(30)))
    const args = ['n/again', file, '--type', 'n'] as const
    await importFile(...args)
    const second = await importFile(...args)
    expect([second.code, second.stdout]).toEqual([0, expect.stringContaining('30 of them were in the log already')])
    expect(await dataOf('n/again')).toHaveLength(30)
    const other = await importFile(...args, '--batch', '7')
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('from other batches')])
    await importFile(...args, '--again')
    expect(await dataOf('n/again')).toHaveLength(60)
    utimesSync(file, 1, 1)
    await importFile(...args)
    expect(await dataOf('n/again')).toHaveLength(90)
  })

  it('from stdin is resumed with --state', async () => {
    const state = join(folderWith(), 'import.state')
    const args = importArgs('n/state', '-', '--format', 'ndjson', '--type', 'n', '--state', state, '--batch', '5')
    const stopped = await runProgram(args, { stdin: `${ndjson(numbers(10))}x\n` })
    expect([stopped.code, recordsDone(state)]).toEqual([1, 10])
    const { code } = await runProgram(args, { stdin: ndjson(numbers(20)) })
    expect([code, existsSync(state)]).toEqual([0, false])
    expect(await dataOf('n/state')).toEqual(numbers(20))
  })
})

describe('a file of 30 MB', () => {
  it('is imported in little memory', async () => {
    const records = Array.from({ length: 60_000 }, (_each, n) => ({ n, filler: 'x'.repeat(480) }))
    const file = fileWith('a.json', JSON.stringify(records))
    const started = startProgram(importArgs('n/large', file, '--type', 'n'))
    let residentMb = 0
    const timer = setInterval(() => {
      const path = `/proc/${started.child.pid}/status`
      const status = existsSync(path) ? readFileSync(path, 'utf8') : ''
      residentMb = Math.max(residentMb, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024)
    }, 50)
    const { code, stdout } = await started.ended
    clearInterval(timer)
    console.log(`${stdout.trim()}; at most ${residentMb.toFixed(0)} MB resident`)
    expect([code, stdout]).toEqual([0, expect.stringContaining('imported 60,000 events')])
    rmSync(file)
    expect(residentMb).toBeLessThan(400)
  })
})
