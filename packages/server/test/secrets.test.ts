/** That no secret of a test is in a log or error of the run is looked at after all tests; here, that it would be found. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { forged } from './fixtures/auth.ts'
import { plantedRun } from './fixtures/planted-run.ts'
import { Notes } from './fixtures/secrets-notes.ts'
import { judge } from './fixtures/secrets-run.ts'
import { Search } from './fixtures/secrets-search.ts'
import { temporaryDir } from './harness.ts'

const TOKEN = forged({ alg: 'HS256', typ: 'JWT' }, { sub: 'ada', exp: 1_795_305_600, rooms: ['lobby', 'attic'] })
const [HEADER = '', CLAIMS = '', SIGNATURE = ''] = TOKEN.split('.')

const searchFor = (...texts: readonly string[]): Search => {
  const search = new Search()
  for (const each of texts) search.add({ text: each, what: 'a secret', test: 'a test' })
  return search
}

describe('a secret [WP-6.6]', () => {
  it.each([
    ['whole', TOKEN],
    ['its signature', SIGNATURE],
    ['its claims', CLAIMS],
    ['the first half of its signature', SIGNATURE.slice(0, 22)],
    ['the second half of its signature', SIGNATURE.slice(-22)],
    ['cut at its end', TOKEN.slice(0, -10)],
    ['cut at its beginning', TOKEN.slice(10)],
    ['in hexadecimal digits', Buffer.from(`${CLAIMS}.${SIGNATURE}`).toString('hex')],
    ['in base64url', Buffer.from(`${CLAIMS}.${SIGNATURE}`).toString('base64url')],
  ])('is found in a line: %s', (_what, leaked) => {
    const search = searchFor(TOKEN)
    expect(search.find(`fine\n{"msg":"refused ${leaked}","n":1}\nfine`)).toMatchObject([{ line: 2 }])
    expect(search.find(`/v1/topics/mine?token=${leaked}&after=earliest`)).toHaveLength(1)
    expect(search.find(leaked)).toHaveLength(1)
  })

  it('is found by any 31 characters in a row, wherever they are cut out', () => {
    for (let n = 0; n < 100; n++) {
      const secret = createHash('sha512').update(`secret ${n}`).digest('base64url')
      const search = searchFor(secret)
      for (let at = 0; at + 31 <= secret.length; at++) {
        expect(search.find(`a-${secret.slice(at, at + 31)}-b`)).toHaveLength(1)
      }
    }
  })

  it('is not taken for what it is not', () => {
    const search = searchFor(TOKEN, 'x'.repeat(9_000), 'nonsense', 'a b c')
    expect(search.size).toBe(1)
    const others = forged({ alg: 'HS256', typ: 'JWT' }, 'others', 'w'.repeat(32)).split('.').slice(1).join('.')
    for (const line of [HEADER, others, SIGNATURE.slice(0, 15), 'x'.repeat(100), 'nonsense', 'Authorization: Bearer']) {
      expect(search.find(line)).toEqual([])
    }
  })
})

describe('what a run left behind', () => {
  it('is counted, and each place of a leak is named without the secret', async () => {
    const folder = await temporaryDir()
    const notes = new Notes(folder, 'one.test.ts-1')
    notes.secret({ text: TOKEN, what: 'a token', test: 'makes one' })
    notes.logger.info('all is well')
    notes.logger.debug({ token: TOKEN }, 'refused')
    notes.error('401 nothing')
    notes.flush()
    const other = new Notes(folder, 'two.test.ts-2')
    other.error('404 nothing')
    other.error(`401 ${SIGNATURE}`)
    const { secrets, logBytes, errorBytes, leaks } = judge(folder)
    expect([secrets, errorBytes]).toEqual([1, '401 nothing\n404 nothing\n401 \n'.length + SIGNATURE.length])
    expect(logBytes).toBeGreaterThan(TOKEN.length)
    expect(leaks).toEqual([
      expect.stringMatching(/^one\.test\.ts-1\.log:2 has a part of a token \(makes one\): .*"token":/),
      expect.stringMatching(/^two\.test\.ts-2\.errors:2 has a part of a token \(makes one\): 401 /),
    ])
    expect(searchFor(TOKEN).find(leaks.join('\n'))).toEqual([])
  })

  it('ends the run with 1 for a leak, in whichever way', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await plantedRun('secrets-planted.config.ts')
    expect(stdout).toMatch(/Tests +6 passed \(6\)/)
    expect(stderr).toMatch(
      /^Secrets: \d+ looked for in [\d,]+ bytes of logs and [\d,]+ bytes of errors, found in \d+ lines:$/m,
    )
    const places = [...stderr.matchAll(/^secrets-planted\.ts-\d+(\.\w+):\d+ has a part of .* \((.*)\): /gm)]
    expect([...new Set(places.map(([, ending, test]) => `${ending} ${test}`))].sort()).toEqual([
      '.errors in a header of an answer, what the client sent',
      '.errors in an answer, the signature of a token',
      '.errors in an error message',
      '.errors in the reason of a close',
      '.log in the log of a server, the whole token',
      '.log in the log of another process, cut to its first half',
    ])
    expect(code).toBe(1)
  })

  it('passes a run without a leak', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await plantedRun('secrets-planted.config.ts', { CAREFUL: '1' })
    expect(stdout).toMatch(/Tests +6 passed \(6\)/)
    expect(stdout).toMatch(
      /^Secrets: \d+ looked for in [\d,]+ bytes of logs and [\d,]+ bytes of errors, none found\.$/m,
    )
    expect([code, stderr]).toEqual([0, ''])
  })
})
