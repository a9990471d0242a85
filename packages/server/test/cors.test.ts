/** Cross-origin access [WP-3.13]. */
import { describe, expect, it } from 'vitest'
import { SECRET, sign } from './fixtures/auth.ts'
import { get, openSse, post, startServer } from './harness.ts'

const HERE = 'https://app.example.com'
const from = (origin: string) => ({ origin })
const EXPOSED = [
  ...['ETag', 'Link', 'Preference-Applied', 'Idempotent-Replayed', 'Retry-After'],
  ...['RateLimit', 'RateLimit-Policy', 'WWW-Authenticate'],
]

/** The names in a header that is a list, in lower case. */
const listed = (headers: Headers, name: string): string[] =>
  (headers.get(name) ?? '').split(',').map((each) => each.trim().toLowerCase())

async function preflight(url: string, origin: string, method: string, headers: string): Promise<Response> {
  return fetch(url, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': headers },
  })
}

describe('cross-origin access', () => {
  it('is off without configuration [WP-3.13]', async () => {
    const { url } = await startServer()
    const answer = await get(`${url}/v1/topics/log`, from(HERE))
    expect(answer.status).toBe(200)
    const asked = await preflight(`${url}/v1/topics/log`, HERE, 'POST', 'content-type')
    expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'GET, POST, OPTIONS'])
    for (const headers of [answer.headers, asked.headers]) {
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })

  it('is open to the origins that the configuration names, on every answer [WP-3.13]', async () => {
    const { url } = await startServer({ cors: { origins: [HERE, 'http://localhost:3000'] } })
    const published = await post(`${url}/v1/topics/log`, { type: 'line' }, from(HERE))
    const stream = await openSse(`${url}/v1/topics/log`, from(HERE))
    const answers = [
      published.headers,
      stream.headers,
      (await get(`${url}/v1/topics/log?wait=0`, from(HERE))).headers,
      (await get(`${url}/v1/topics/none`, from(HERE))).headers,
      (await get(`${url}/nowhere`, from(HERE))).headers,
      (
        await get(`${url}/v1/topics/log?after=${published.body.events[0].id}`, {
          ...from(HERE),
          'if-none-match': `"${published.body.events[0].id}"`,
        })
      ).headers,
    ]
    for (const headers of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(HERE)
      expect(listed(headers, 'access-control-expose-headers')).toEqual(
        expect.arrayContaining(EXPOSED.map((name) => name.toLowerCase())),
      )
      expect(listed(headers, 'vary')).toContain('origin')
    }
    for (const other of ['https://evil.example.com', 'https://app.example.com.evil.org', 'null', `${HERE}:8443`]) {
      const answer = await get(`${url}/v1/topics/log`, from(other))
      expect(answer.headers.get('access-control-allow-origin')).toBeNull()
      expect(listed(answer.headers, 'vary')).toContain('origin')
    }
    expect((await get(`${url}/v1/topics/log`)).headers.get('access-control-allow-origin')).toBeNull()
  })

  it('is asked for by a preflight, with the methods and headers of the protocol [WP-3.13]', async () => {
    const { url } = await startServer({ cors: { origins: [HERE], maxAgeSeconds: 60 } })
    const wanted = ['content-type', 'idempotency-key', 'last-event-id', 'if-none-match', 'prefer']
    const answer = await preflight(`${url}/v1/topics/log`, HERE, 'POST', wanted.join(', '))
    expect([answer.status, await answer.text()]).toEqual([204, ''])
    expect(answer.headers.get('access-control-allow-origin')).toBe(HERE)
    expect(listed(answer.headers, 'access-control-allow-methods')).toEqual(['get', 'post'])
    expect(listed(answer.headers, 'access-control-allow-headers')).toEqual(expect.arrayContaining(wanted))
    expect(answer.headers.get('access-control-max-age')).toBe('60')
    const refused = await preflight(`${url}/v1/topics/log`, 'https://evil.example.com', 'POST', 'content-type')
    expect(refused.status).toBe(204)
    expect([...refused.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
  })

  it('can be open to all [WP-3.13]', async () => {
    const { url } = await startServer({ cors: { origins: '*' } })
    for (const headers of [from(HERE), from('null'), {}]) {
      expect((await get(`${url}/v1/topics/log`, headers)).headers.get('access-control-allow-origin')).toBe('*')
    }
    const asked = await preflight(`${url}/v1/events`, 'null', 'GET', 'last-event-id')
    expect(asked.headers.get('access-control-allow-methods')).toBe('GET')
  })

  it('is with credentials if a cookie is read, for the origins that are named only [WP-3.13] [WP-6.6]', async () => {
    const auth = { jwt: { secret: SECRET }, cookie: 'session' }
    const named = await startServer({ auth, cors: { origins: [HERE] } })
    const credentials = async (url: string, origin: string): Promise<readonly (string | null)[]> => {
      const answers = [
        (await get(`${url}/v1/topics/log`, from(origin))).headers,
        (await get(`${url}/nowhere`, from(origin))).headers,
        (await preflight(`${url}/v1/topics/log`, origin, 'POST', 'content-type')).headers,
      ]
      return [...new Set(answers.map((headers) => headers.get('access-control-allow-credentials')))]
    }
    expect(await credentials(named.url, HERE)).toEqual(['true'])
    expect(await credentials(named.url, 'https://evil.example.com')).toEqual([null])
    const any = await startServer({ auth, cors: { origins: '*' } })
    expect(await credentials(any.url, HERE)).toEqual([null])
    const { jwt } = auth
    const without = await startServer({ auth: { jwt }, cors: { origins: [HERE] } })
    expect(await credentials(without.url, HERE)).toEqual([null])
    const session = { ...from(HERE), cookie: `session=${await sign({ exp: 1 })}` }
    expect((await get(`${named.url}/v1/topics/log`, session)).headers.get('www-authenticate')).toMatch(/invalid_token/)
  })
})
