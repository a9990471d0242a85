/** That all answers of a run are foretold by the documents is looked at after all tests; here, that a lie would be found. */
import { describe, expect, it } from 'vitest'
import { plantedRun } from './fixtures/planted-run.ts'

describe('a run of the tests', () => {
  it('ends with 1 for a lie, in whichever way [WP-3.18]', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await plantedRun('foretold-planted.config.ts')
    expect(stdout).toMatch(/Tests +11 passed \(11\)/)
    expect(stderr).toMatch(/^Documents: \d+ answers, .* held against OpenAPI and AsyncAPI; not foretold: 11:$/m)
    const faults = [...stderr.matchAll(/^foretold-planted\.ts: (.*?): ((?:GET|a bad) .*)$((?:\n {2}.*)*)/gm)]
    const told = Object.fromEntries(
      faults.flatMap(([, test = '', fault, more = '']) => {
        const others = [...more.matchAll(/^ {2}also foretold-planted\.ts: (.*)$/gm)].map(([, other = '']) => other)
        return [test, ...others].map((each) => [each, fault])
      }),
    )
    expect(told).toEqual({
      'a status that is not documented': expect.stringMatching(/^GET \/v1\/topics \d+: .* is not documented/),
      'a body that does not fit': expect.stringMatching(/^GET \/v1\/topics 200: .*required property 'limits'/),
      'an event that its topic does not define': expect.stringMatching(
        /^GET \/v1\/topics\/stocks 200: .*"must be number"/,
      ),
      'a header that is not documented': expect.stringMatching(/the header x-served-by is not documented$/),
      'a problem of another status, where nothing is': expect.stringMatching(/^GET \/nowhere 404: .* status 405$/),
      'a message of an unknown kind on a WebSocket, in JSON': expect.stringMatching(/^GET \/v1 101: /),
      'a message of an unknown kind on a WebSocket, in MessagePack': expect.stringMatching(/^GET \/v1 101: /),
      'an event with another member on a stream, coded as identity': expect.stringMatching(
        /^GET \/v1\/topics\/stocks 200: .*'topic'/,
      ),
      'an event with another member on a stream, coded as gzip': expect.stringMatching(
        /^GET \/v1\/topics\/stocks 200: .*'topic'/,
      ),
      'a refusal of what is no request': expect.stringMatching(/^a bad request 400: /),
      'a server in another process': expect.stringMatching(/^GET \/v1\/topics 299: .* is not documented/),
    })
    expect(code).toBe(1)
  })

  it('passes if there is none, and says what was looked at', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await plantedRun('foretold-planted.config.ts', { CAREFUL: '1' })
    expect(stdout).toMatch(/Tests +11 passed \(11\)/)
    const [summary = ''] = /^Documents: .*$/m.exec(stdout) ?? []
    expect(summary).toMatch(/ held against OpenAPI and AsyncAPI: all foretold\.$/)
    for (const counted of COUNTED) expect(summary).toMatch(new RegExp(`[\\d,]+ ${counted}`))
    expect([code, stderr]).toEqual([0, ''])
  })
})

const COUNTED = [
  ...['answers', 'answers outside any operation', 'refusals of what never became a request', 'messages of streams'],
  ...['messages of WebSockets in JSON', 'messages of WebSockets in MessagePack'],
]
