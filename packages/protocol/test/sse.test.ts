import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeEvent, encodeSse, encodeSseEvent, type SseEvent, type SseFrame, SseParser } from '../src/index.ts'

/** What a stream is parsed to when it arrives in the given chunks. */
function parse(chunks: readonly string[]): { events: SseEvent[]; lastEventId: string; retryMs: number | undefined } {
  const events: SseEvent[] = []
  const parser = new SseParser((event) => events.push(event))
  for (const chunk of chunks) parser.push(chunk)
  return { events, lastEventId: parser.lastEventId, retryMs: parser.retryMs }
}

/** Cuts a text at the given places, which need not be in order, nor inside it. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [0, ...places.map((place) => place % (text.length + 1)).sort((a, b) => a - b), text.length]
  return at.slice(1).map((end, i) => text.slice(at[i], end))
}

const oneLine = fc.string({ unit: 'binary' }).filter((text) => !/[\r\n\0]/.test(text))
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('a', ' ', ':', '\r', '\n', '\0', '\uFEFF', 'data', 'id:'), { maxLength: 20 })
    .map((parts) => parts.join('')),
)
const anyFrame = fc.record(
  { id: oneLine, event: oneLine, data: anyText, retryMs: fc.nat(), comment: anyText },
  { requiredKeys: [] },
)
const places = fc.array(fc.nat({ max: 5_000 }), { maxLength: 30 })

/** What a client must see of frames, by the rules of the standard and nothing of the codec. */
function expected(frames: readonly SseFrame[]): SseEvent[] {
  let id = ''
  return frames.flatMap((frame) => {
    id = frame.id ?? id
    if (frame.data === undefined) return []
    const data = frame.data.replaceAll('\r\n', '\n').replaceAll('\r', '\n')
    return [{ id, event: frame.event === undefined || frame.event === '' ? 'message' : frame.event, data }]
  })
}

describe('SSE round trip [WP-3.8]', () => {
  it('gives back what was encoded, wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 8 }), places, (frames, cuts) => {
        const parsed = parse(cut(frames.map(encodeSse).join(''), cuts))
        expect(parsed.events).toEqual(expected(frames))
        expect(parsed.retryMs).toBe(frames.findLast((frame) => frame.retryMs !== undefined)?.retryMs)
        expect(parsed.lastEventId).toBe(frames.findLast((frame) => frame.id !== undefined)?.id ?? '')
      }),
      { numRuns: 500 },
    )
  })

  it('parses any text alike, whole, cut at random places, or a character at a time', () => {
    const line = fc.constantFrom(
      'data',
      'data:',
      'data: x',
      'data:x:y',
      'id: 7',
      'id',
      'id: a\0b',
      'event: e',
      'retry: 10',
      'retry: 1x',
      ': c',
      ' data: x',
      'datax: 1',
      '',
    )
    const end = fc.constantFrom('\n', '\r', '\r\n')
    const stream = fc.array(fc.tuple(line, end), { maxLength: 30 }).map((lines) => lines.flat().join(''))
    fc.assert(
      fc.property(stream, places, (text, cuts) => {
        const whole = parse([text])
        expect(parse(cut(text, cuts))).toEqual(whole)
        expect(parse(text.split(''))).toEqual(whole)
      }),
      { numRuns: 500 },
    )
  })

  it('means the same by CR, by LF and by CRLF', () => {
    const lines = fc.array(fc.constantFrom('data: x', 'data', 'id: 7', 'event: e', ': c', ''), { maxLength: 20 })
    fc.assert(
      fc.property(lines, (all) => {
        const byLf = parse([`${all.join('\n')}\n`])
        expect(parse([`${all.join('\r')}\r`])).toEqual(byLf)
        expect(parse([`${all.join('\r\n')}\r\n`])).toEqual(byLf)
      }),
    )
  })
})

describe('SSE encoding, byte by byte [WP-3.8]', () => {
  it.each<[string, SseFrame, string]>([
    ['an event', { id: 'k.1', event: 'tick', data: '{"a":1}' }, 'id: k.1\nevent: tick\ndata: {"a":1}\n\n'],
    ['several lines', { data: 'a\r\nb\rc\n' }, 'data: a\ndata: b\ndata: c\ndata: \n\n'],
    ['empty data', { data: '' }, 'data: \n\n'],
    ['a retry alone', { retryMs: 3000 }, 'retry: 3000\n\n'],
    ['a comment of two lines', { comment: 'a\nid: 9' }, ': a\n: id: 9\n\n'],
  ])('%s', (_name, frame, bytes) => {
    expect(encodeSse(frame)).toBe(bytes)
  })

  it('has one hot path that gives the same bytes', () => {
    const json = encodeEvent({
      type: 't',
      topic: 'a/b',
      id: 'k.7',
      data: '"\\n\\r"',
      timestamp: '2026-01-01T00:00:00.000Z',
    })
    expect(encodeSseEvent('k.7', 't', json)).toBe(encodeSse({ id: 'k.7', event: 't', data: json }))
  })

  it.each(['\n', '\r', '\r\n', '\0'])('refuses %j in an id and in an event, which would forge a field', (bad) => {
    expect(() => encodeSse({ id: `1${bad}data: x` })).toThrow(TypeError)
    expect(() => encodeSse({ event: `e${bad}data: x` })).toThrow(TypeError)
  })
})

describe('SSE parsing, byte by byte', () => {
  const ids = (text: string): string[] => parse([text]).events.map((event) => event.id)

  it('skips one byte order mark, at the start only', () => {
    expect(parse(['\uFEFFdata: a\n\n']).events).toHaveLength(1)
    expect(parse(['\uFEFF', 'data: a\n\n']).events).toHaveLength(1)
    expect(parse(['\uFEFF\uFEFFdata: a\n\n']).events).toEqual([])
    expect(parse(['\n', '\uFEFFdata: a\n\n']).events).toEqual([])
  })

  it('takes CR and LF in two chunks as one line end', () => {
    expect(parse(['data: a\r', '\ndata: b\r', '', '\n\r', '\n']).events).toEqual([
      { id: '', event: 'message', data: 'a\nb' },
    ])
    expect(parse(['data: a\r', '\r', 'data: b\r\r']).events.map((event) => event.data)).toEqual(['a', 'b'])
  })

  it('takes away one space after the colon, and no other', () => {
    expect(parse(['data:a\ndata: b\ndata:  c\ndata:\td\n\n']).events[0]?.data).toBe('a\nb\n c\n\td')
  })

  it('dispatches empty data, but nothing without data', () => {
    expect(parse(['data\n\n']).events).toEqual([{ id: '', event: 'message', data: '' }])
    expect(parse(['event: a\nid: 3\n\n'])).toEqual({ events: [], lastEventId: '3', retryMs: undefined })
  })

  it('forgets the event type after a frame without data', () => {
    expect(parse(['event: a\n\ndata: x\n\n']).events[0]?.event).toBe('message')
  })

  it('keeps an id until the next one; an empty id clears it; one with NUL does not count', () => {
    expect(ids('id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n')).toEqual(['1', '1', ''])
    expect(ids('id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n')).toEqual(['1', '1'])
  })

  it('takes an id for seen only when its frame has ended', () => {
    expect(parse(['id: 1\n\nid: 2\ndata: x\n']).lastEventId).toBe('1')
  })

  it('drops a frame that the stream did not end', () => {
    expect(parse(['data: a\n\ndata: b\n']).events).toHaveLength(1)
  })

  it('ignores comments, unknown fields and fields of another case', () => {
    expect(parse([': data: x\nDATA: y\n data: z\nfoo\n\n']).events).toEqual([])
  })

  it.each(['', '-1', '1.5', '1e3', '٣', ' 5', '0x10'])('ignores the retry %j', (value) => {
    expect(parse([`retry: 9\nretry: ${value}\n`]).retryMs).toBe(9)
  })
})

describe('SSE parser bounds', () => {
  const bounded = (): SseParser => new SseParser(() => undefined, { bufferMax: 100 })

  it('throws on a line without end', () => {
    const parser = bounded()
    parser.push('x'.repeat(100))
    expect(() => parser.push('x')).toThrow(RangeError)
  })

  it('throws on an event without end, even one of empty lines of data', () => {
    const parser = bounded()
    for (let i = 0; i < 100; i++) parser.push('data\n')
    expect(() => parser.push('data\n')).toThrow(RangeError)
  })

  it('is not troubled by a long stream of short events', () => {
    let seen = 0
    const parser = new SseParser(() => seen++, { bufferMax: 100 })
    for (let i = 0; i < 10_000; i++) parser.push('data: 0123456789\n\n')
    expect(seen).toBe(10_000)
  })

  it('costs a long line that comes in bits no more than its length', () => {
    const parser = new SseParser(() => undefined)
    const startMs = performance.now()
    for (let i = 0; i < 300_000; i++) parser.push('x')
    // To search all that came before for a line end at each bit would be 45 thousand million steps: over 10 s.
    expect(performance.now() - startMs).toBeLessThan(3_000)
  })
})
