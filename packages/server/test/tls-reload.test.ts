/** Certificates that change while connections are open. */
import { X509Certificate } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { pino } from 'pino'
import { describe, it } from 'vitest'
import { createWatchpost } from 'watchpost'
import { noteLog } from './fixtures/secrets-notes.ts'
import { beside, whenOver } from './fixtures/side-by-side.ts'
import { type Pair, selfSigned } from './fixtures/tls-files.ts'
import { TOPICS, temporaryDir } from './harness.ts'

const LATE = { timeout: 20_000 }

interface Served {
  readonly url: string
  readonly logged: () => string
  readonly publish: (data: string) => Promise<unknown>
  /** SHA-256 of the certificate that a new connection is shown. */
  readonly shown: () => Promise<string>
}

async function serve(tls: Pair & { readonly ca?: string }): Promise<Served> {
  let logged = ''
  const write = (line: string): void => {
    logged += line
    noteLog(line)
  }
  const logger = pino({ level: 'info' }, { write })
  const listen = { host: '127.0.0.1', port: 0, tls }
  const watchpost = await createWatchpost({ topics: TOPICS, dataDir: await temporaryDir(), listen }, { logger })
  whenOver(() => watchpost.close())
  const { url } = await watchpost.listen()
  const publish = (data: string): Promise<unknown> => watchpost.publish('log', { type: 'line', data })
  return { url, logged: () => logged, publish, shown: () => shownBy(url) }
}

const shownBy = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false })
    socket.once('error', reject).once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
      socket.destroy()
    })
  })

const fingerprint = ({ cert }: Pair): string => new X509Certificate(readFileSync(cert)).fingerprint256

/** A stream that is told of a publish, after whatever happened since it began. */
function openStream(url: string): { readonly text: () => string } {
  const session = connectHttp2(url, { rejectUnauthorized: false })
  whenOver(() => session.destroy())
  const stream = session.request({ ':path': '/v1/topics/log', accept: 'text/event-stream' })
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  return { text: () => text }
}

/** A folder with a copy of a pair. */
async function placed({ cert, key }: Pair): Promise<Pair> {
  const dir = await temporaryDir()
  const copies = { cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key') }
  copyFileSync(cert, copies.cert)
  copyFileSync(key, copies.key)
  return copies
}

describe('a certificate', () => {
  it.concurrent(
    'that others are renamed over is shown to new connections, and old ones stay',
    beside(async ({ expect }) => {
      const [first, second] = [await selfSigned(), await selfSigned()]
      const files = await placed(first)
      const served = await serve(files)
      expect(await served.shown()).toBe(fingerprint(first))
      const stream = openStream(served.url)
      await expect.poll(stream.text, LATE).toContain('event: welcome')
      const fresh = await placed(second)
      renameSync(fresh.cert, files.cert)
      renameSync(fresh.key, files.key)
      await expect.poll(served.shown, LATE).toBe(fingerprint(second))
      expect(served.logged()).toContain('was read again')
      await served.publish('after the change')
      await expect.poll(stream.text, LATE).toContain('after the change')
    }),
  )

  it.concurrent(
    'behind links that are swapped, as Kubernetes does, is shown to new connections',
    beside(async ({ expect }) => {
      const [first, second] = [await selfSigned(), await selfSigned()]
      const dir = await temporaryDir()
      for (const [name, pair] of Object.entries({ '..1': first, '..2': second })) {
        mkdirSync(join(dir, name))
        copyFileSync(pair.cert, join(dir, name, 'tls.crt'))
        copyFileSync(pair.key, join(dir, name, 'tls.key'))
      }
      symlinkSync('..1', join(dir, '..data'))
      for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(dir, name))
      const served = await serve({ cert: join(dir, 'tls.crt'), key: join(dir, 'tls.key') })
      expect(await served.shown()).toBe(fingerprint(first))
      symlinkSync('..2', join(dir, '..data_tmp'))
      renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
      await expect.poll(served.shown, LATE).toBe(fingerprint(second))
    }),
  )

  const faults: readonly (readonly [string, (files: Pair, other: Pair) => void, string])[] = [
    ['does not fit its key', ({ cert }, other) => copyFileSync(other.cert, cert), 'is not the key of the first'],
    ['is written by half', ({ cert }) => truncateSync(cert, 200), 'holds no whole certificate'],
    ['is gone', ({ cert }) => renameSync(cert, `${cert}.old`), "can't be read (ENOENT)"],
    ['is no certificate', ({ cert }) => writeFileSync(cert, 'nonsense'), 'holds no whole certificate'],
    [
      'is damaged inside',
      ({ cert }) => writeFileSync(cert, readFileSync(cert, 'utf8').replace(/\nMII./, '\nAAAA')),
      "can't be parsed",
    ],
    ['has a key by half', ({ key }) => truncateSync(key, 60), 'holds no private key'],
  ]
  for (const [what, spoil, message] of faults)
    it.concurrent(
      `that ${what} is logged, the old one stays, and a whole one is taken`,
      beside(async ({ expect }) => {
        const [first, second] = [await selfSigned(), await selfSigned()]
        const files = await placed(first)
        const served = await serve(files)
        spoil(files, second)
        await expect.poll(served.logged, LATE).toContain(message)
        expect(served.logged()).toContain('the old certificate stays in use')
        expect(await served.shown()).toBe(fingerprint(first))
        copyFileSync(second.cert, files.cert)
        copyFileSync(second.key, files.key)
        await expect.poll(served.shown, LATE).toBe(fingerprint(second))
        expect(served.logged().split('stays in use')).toHaveLength(2)
      }),
    )

  it.concurrent(
    'that can not be used at the start is named, with the fix',
    beside(async ({ expect }) => {
      const [first, second] = [await selfSigned(), await selfSigned()]
      await expect(serve({ cert: first.cert, key: second.key })).rejects.toThrow(/listen\.tls\.key: .* belong together/)
      await expect(serve({ cert: '/nowhere.pem', key: first.key })).rejects.toThrow(/listen\.tls\.cert: .*ENOENT/)
      await expect(serve({ ...first, ca: second.key })).rejects.toThrow(
        /listen\.tls\.ca: .* holds no whole certificate/,
      )
    }),
  )
})
