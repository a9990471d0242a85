import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ControlType, encodeControl, encodeError, REQUEST_TYPES, RESERVED_TYPES } from '../src/index.ts'

const timestamp = '2026-11-22T12:34:56.789Z'

/** All that a server sends; the type makes the list complete. */
const CONTROL_TYPES = Object.keys({
  welcome: 0,
  bookmark: 0,
  gap: 0,
  snapshot: 0,
  events: 0,
  goodbye: 0,
  subscribed: 0,
  unsubscribed: 0,
  published: 0,
  authenticated: 0,
  expiring: 0,
  pong: 0,
} satisfies Record<ControlType, number>) as ControlType[]

/** An id that a client may choose: any text, also what looks like the rest of a message. */
const re = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 64 }),
  fc.constantFrom('', '"', '\\', '","data":{', '\u2028'),
)
const json = fc.jsonValue()
const data = fc.dictionary(fc.string(), json, { noNullPrototype: true })

describe('control messages [WP-1.3] [WP-4.3]', () => {
  it('are JSON of their type, the request that they answer, their data and the time', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...CONTROL_TYPES),
        fc.option(data, { nil: undefined }),
        fc.option(re, { nil: undefined }),
        (type, members, answered) => {
          const text = encodeControl(type, members, timestamp, answered)
          const expected = { type, re: answered, data: members, timestamp }
          // What is undefined is absent; JSON has no other way to say so.
          expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(expected)))
          expect(text).not.toMatch(/[\r\n]/)
        },
      ),
      { numRuns: 1_000 },
    )
  })

  it('have neither `re` nor `data` if there is none', () => {
    expect(encodeControl('pong', undefined, timestamp)).toBe(`{"type":"pong","timestamp":"${timestamp}"}`)
    expect(encodeControl('pong', undefined, timestamp, '')).toBe(`{"type":"pong","re":"","timestamp":"${timestamp}"}`)
    expect(encodeControl('goodbye', { retryAfter: 1 }, timestamp)).toBe(
      `{"type":"goodbye","data":{"retryAfter":1},"timestamp":"${timestamp}"}`,
    )
  })

  it('have types that no event may have, as have all requests [WP-1.2]', () => {
    const types = [...CONTROL_TYPES, ...REQUEST_TYPES]
    expect(types.filter((type) => !RESERVED_TYPES.has(type))).toEqual([])
  })
})

describe('error messages [WP-1.4]', () => {
  it('are JSON of the request that they answer, the problem with its members, and the time', () => {
    const error = fc
      .tuple(data, fc.string({ unit: 'binary' }))
      .map(([members, message]) => ({ ...members, type: '/problems/internal', message }))
    fc.assert(
      fc.property(error, fc.option(re, { nil: undefined }), (problem, answered) => {
        const text = encodeError(problem, timestamp, answered)
        const expected = { type: 'error', re: answered, error: problem, timestamp }
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(expected)))
        expect(text).not.toMatch(/[\r\n]/)
      }),
      { numRuns: 1_000 },
    )
  })

  it('have no `re` if they answer nothing', () => {
    expect(encodeError({ type: '/problems/internal', message: 'x' }, timestamp)).toBe(
      `{"type":"error","error":{"type":"/problems/internal","message":"x"},"timestamp":"${timestamp}"}`,
    )
  })
})
