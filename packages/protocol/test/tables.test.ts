import { describe, expect, it } from 'vitest'
import {
  encodeControl,
  encodeError,
  LIMITS,
  type LimitName,
  limitsWith,
  PROBLEMS,
  ProblemError,
  type ProblemName,
  problemDocument,
  problemType,
  RESERVED_TYPES,
} from '../src/index.ts'

const problems = Object.entries(PROBLEMS)
const limits = Object.entries(LIMITS)

describe('the table of problems [WP-5.1]', () => {
  it.each(problems)('%s can be a URI path and an HTTP error, and says how to mend it', (name, row) => {
    expect(name).toMatch(/^[a-z]+(?:-[a-z]+)*$/)
    expect(problemType(name as ProblemName)).toBe(`/problems/${name}`)
    expect(row.status).toBeGreaterThanOrEqual(400)
    expect(row.status).toBeLessThan(600)
    expect(row.title).toMatch(/^[A-Z][^.]*$/)
    for (const sentence of [row.when, row.fix]) expect(sentence).toMatch(/^.{15,}\.$/)
  })

  it('tells clients to try again only where that can help', () => {
    const statusOf = (...retry: string[]): number[] =>
      problems.filter(([, row]) => retry.includes(row.retry)).map(([, row]) => row.status)
    expect(statusOf('later', 'elsewhere').filter((status) => ![408, 429, 500, 503].includes(status))).toEqual([])
    expect(statusOf('no').filter((status) => status >= 500)).toEqual([])
  })

  it('names only parameters and headers in words, no value of a request', () => {
    for (const [, row] of problems) expect(`${row.when}${row.fix}`).not.toContain('${')
  })
})

describe('problem documents [WP-5.2]', () => {
  it('carry the row, the detail and the members, and leave what is a header out', () => {
    const error = new ProblemError('cursor-expired', 'Gone.', { earliest: 'k.5', state: '/v1/state/a', allow: ['GET'] })
    expect(error.status).toBe(410)
    expect(problemDocument(error, '/requests/7')).toEqual({
      type: '/problems/cursor-expired',
      title: 'Cursor expired',
      status: 410,
      detail: 'Gone.',
      instance: '/requests/7',
      earliest: 'k.5',
      state: '/v1/state/a',
    })
  })

  it('never carry the cause', () => {
    const error = new ProblemError('internal', 'The server failed.', {}, new Error('secret'))
    expect(error.cause).toBeInstanceOf(Error)
    expect(JSON.stringify(problemDocument(error, '/x'))).not.toContain('secret')
  })
})

describe('the table of limits [WP-8.1]', () => {
  it.each(limits)('%s has a default within its maximum, a known consequence and a reason', (_name, row) => {
    expect(Number.isSafeInteger(row.default) && row.default > 0).toBe(true)
    if (row.max !== undefined) expect(row.max).toBeGreaterThanOrEqual(row.default)
    const others = ['read from the log', 'disconnected', 'split', 'missed', 'told later', 'gone']
    expect([...Object.keys(PROBLEMS), ...others]).toContain(row.over)
    expect(row.why.length).toBeGreaterThan(10)
  })

  it('answers with the status that fits the bound', () => {
    const status = (name: LimitName): number => PROBLEMS[LIMITS[name].over as ProblemName].status
    expect(status('eventBytesMax')).toBe(413)
    expect(status('connections')).toBe(429)
    expect(status('headerBytesMax')).toBe(431)
    expect(status('slowBodyMs')).toBe(408)
    expect(status('cursorBytesMax')).toBe(400)
  })

  it('keeps one event small enough for one publish and one page', () => {
    expect(LIMITS.eventBytesMax.default).toBeLessThanOrEqual(LIMITS.publishBytesMax.default)
    expect(LIMITS.eventBytesMax.default).toBeLessThanOrEqual(LIMITS.pageBytesMax.default)
  })

  it('takes what a configuration overrides, and the default for the rest', () => {
    const configured = limitsWith({ lastMax: 5 })
    expect(configured).toEqual({ ...limitsWith(), lastMax: 5 })
    expect(limitsWith().lastMax).toBe(LIMITS.lastMax.default)
  })
})

describe('control messages [WP-1.3]', () => {
  it('are a reserved type, data and a timestamp', () => {
    const text = encodeControl('gap', { reason: 'trimmed', after: 'k.1', earliest: 'k.5' }, '2026-01-01T00:00:00.000Z')
    expect(JSON.parse(text)).toEqual({
      type: 'gap',
      data: { reason: 'trimmed', after: 'k.1', earliest: 'k.5' },
      timestamp: '2026-01-01T00:00:00.000Z',
    })
    for (const type of ['welcome', 'bookmark', 'gap', 'goodbye', 'error']) expect(RESERVED_TYPES.has(type)).toBe(true)
  })

  it('carry an error in a member of its own [WP-1.4]', () => {
    const error = { type: problemType('going-away'), message: 'Draining.', retryAfter: 2 }
    expect(JSON.parse(encodeError(error, '2026-01-01T00:00:00.000Z'))).toEqual({
      type: 'error',
      error,
      timestamp: '2026-01-01T00:00:00.000Z',
    })
  })
})
