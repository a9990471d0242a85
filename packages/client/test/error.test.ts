/** What the client does about each problem, against the table that the documents are made of. */
import { PROBLEMS } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { errorOf, errorOfResponse, remedyOf, WatchpostError } from '../src/error.ts'

/** What a client makes of the table's column `retry`. */
const REMEDY = {
  no: 'none',
  later: 'time',
  elsewhere: 'time',
  'from earliest': 'earliest',
  'with a new token': 'credentials',
} as const

/** What the table does not know of, since it is not the same that is tried again. */
const OTHERWISE: Readonly<Record<string, string>> = {
  // Whoever has none to offer meets it as an end.
  unauthorized: 'credentials',
  'transport-not-offered': 'transport',
}

describe('a problem [WP-5.1]', () => {
  it.each(Object.entries(PROBLEMS))(
    '%s is met as the table says, with its status and by its name alone',
    (name, row) => {
      const remedy = OTHERWISE[name] ?? REMEDY[row.retry]
      expect(remedyOf(new WatchpostError(name, '', { status: row.status }))).toBe(remedy)
      expect(remedyOf(errorOf({ type: `/problems/${name}`, message: '' }))).toBe(remedy)
    },
  )

  it('that is not known counts by its status [WP-5.1]', () => {
    const remedies = [400, 403, 404, 418, 429, 500, 502, 504].map((status) =>
      remedyOf(new WatchpostError('new', '', { status })),
    )
    expect(remedies).toEqual(['none', 'none', 'none', 'none', 'time', 'time', 'time', 'time'])
  })
})

describe('an answer', () => {
  const problem = { type: '/problems/rate-limited', title: 't', status: 429, detail: 'slowly', instance: 'i' }
  const answer = (body: object, headers: Record<string, string> = {}): Response =>
    Response.json(body, { status: 429, headers: { 'content-type': 'application/problem+json', ...headers } })

  it('that is cut off is none, whatever it began with: time can help', async () => {
    const body = (how: object): ReadableStream => new ReadableStream({ start: (controller) => controller.error(how) })
    const error = await errorOfResponse(new Response(body(new TypeError('terminated')), { status: 404 }))
    expect([error.problem, remedyOf(error)]).toEqual(['unreachable', 'time'])
    expect(remedyOf(await errorOfResponse(new Response('<h1>Nothing</h1>', { status: 404 })))).toBe('none')
  })

  it('is a problem with its members, and says when to come back [WP-5.2]', async () => {
    const error = await errorOfResponse(answer({ ...problem, retryAfter: 0.25 }, { 'retry-after': '1' }))
    expect(error).toMatchObject({ problem: 'rate-limited', status: 429, message: 'slowly', retryAfterMs: 250 })
    expect(error.members).toMatchObject({ instance: 'i', retryAfter: 0.25 })
    expect((await errorOfResponse(answer(problem, { 'retry-after': '3' }))).retryAfterMs).toBe(3_000)
  })

  it('of something before the server, or cut short, is no problem of the server', async () => {
    const page = await errorOfResponse(new Response('<h1>Bad Gateway</h1>', { status: 502 }))
    expect(page).toMatchObject({ problem: 'unreachable', status: 502 })
    const headers = { 'content-type': 'application/problem+json' }
    const short = await errorOfResponse(new Response('{"type":', { status: 503, headers }))
    expect(short).toMatchObject({ problem: 'unreachable', status: 503 })
  })
})
