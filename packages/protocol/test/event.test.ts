import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  dataOf,
  encodeEvent,
  isTypeName,
  type Json,
  keyOf,
  RESERVED_TYPES,
  topicOf,
  typeOf,
  withPatch,
} from '../src/index.ts'

const type = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,20}$/)
const topic = fc.stringMatching(/^[a-z0-9._~$@:+=,!-]{1,8}(?:\/[a-z0-9]{1,8}){0,3}$/)
const id = fc.stringMatching(/^[a-z0-9]{1,16}\.[1-9]\d{0,8}$/)
const key = fc.oneof(
  fc.string({ unit: 'binary' }),
  // Backslashes, quotes and what looks like the rest of an event, where a search for the end could go wrong.
  fc
    .array(fc.constantFrom('\\', '"', 'a', '\n', '\u2028', '\uD800', '","data":', ',"key":"'), { maxLength: 12 })
    .map((parts) => parts.join('')),
)
const parts = fc.record(
  { type, topic, id, key, data: fc.json(), timestamp: fc.constant('2026-11-22T12:34:56.789Z') },
  { requiredKeys: ['type', 'topic', 'id', 'data', 'timestamp'] },
)

/** JSON text in which texts and names look like the rest of an event. */
const hostile = fc.oneof(
  fc.constantFrom('","data":', '"data":', ',"timestamp":"2026-11-22T12:34:56.789Z"}', '","key":"', '\\', '"', '\\"'),
  key,
)
const dataText = fc.oneof(
  fc.json(),
  hostile.map((text) => JSON.stringify(text)),
  fc.dictionary(hostile, hostile).map((members) => JSON.stringify(members)),
  fc.record({ data: hostile, patch: fc.jsonValue(), timestamp: hostile }).map((members) => JSON.stringify(members)),
)

describe('events as JSON text [WP-1.1]', () => {
  it('are JSON equal to their parts', () => {
    fc.assert(
      fc.property(parts, (event) => {
        expect(JSON.parse(encodeEvent(event))).toEqual({ ...event, data: JSON.parse(event.data) as Json })
      }),
    )
  })

  it('show type, topic and key to whoever does not parse them', () => {
    fc.assert(
      fc.property(parts, (event) => {
        const json = encodeEvent(event)
        const parsed = JSON.parse(json) as { type: string; topic: string; key?: string }
        expect(typeOf(json)).toBe(parsed.type)
        expect(topicOf(json)).toBe(parsed.topic)
        expect(keyOf(json)).toBe(parsed.key)
      }),
      { numRuns: 1_000 },
    )
  })

  it('take no key from data that has one', () => {
    const json = encodeEvent({
      type: 'a',
      topic: 'b',
      id: 'k.1',
      data: '{"key":"x"}',
      timestamp: '2026-01-01T00:00:00.000Z',
    })
    expect(keyOf(json)).toBeUndefined()
    expect(json).toBe('{"type":"a","topic":"b","id":"k.1","data":{"key":"x"},"timestamp":"2026-01-01T00:00:00.000Z"}')
  })

  it('show their data as it was published, whatever the key and the data look like', () => {
    fc.assert(
      fc.property(parts, dataText, (event, text) => {
        expect(dataOf(encodeEvent({ ...event, data: text }))).toBe(text)
      }),
      { numRuns: 2_000 },
    )
  })

  it('take a patch in the place of their data, and stay what they were in all else [WP-4.7]', () => {
    fc.assert(
      fc.property(parts, dataText, fc.json(), (event, text, patch) => {
        const json = encodeEvent({ ...event, data: text })
        const { data: _data, ...others } = JSON.parse(json) as { data: Json }
        const patched = withPatch(json, patch)
        expect(JSON.parse(patched)).toEqual({ ...others, patch: JSON.parse(patch) as Json })
        expect([typeOf(patched), topicOf(patched), keyOf(patched)]).toEqual([typeOf(json), topicOf(json), keyOf(json)])
        expect(patched.length - patch.length).toBe(json.length - text.length + 1)
      }),
      { numRuns: 2_000 },
    )
  })

  it('are one line, so that they are one SSE data field and one NDJSON line', () => {
    fc.assert(
      fc.property(parts, fc.jsonValue(), (event, data) => {
        expect(encodeEvent({ ...event, data: JSON.stringify(data) })).not.toMatch(/[\r\n]/)
      }),
    )
  })
})

describe('event types [WP-1.2]', () => {
  it.each(['a', 'priceUpdate', 'com.example/order:paid-2', '7'])('%j may be one', (name) => {
    expect(isTypeName(name)).toBe(true)
  })

  it.each(['', '.a', '-a', 'a b', 'a\n', 'a"', 'a\\', 'é', 'a\0', '$a', 'a*'])('%j may not', (name) => {
    expect(isTypeName(name)).toBe(false)
  })

  it('reserve the words of the protocol', () => {
    expect([...RESERVED_TYPES].sort().join(' ')).toBe(
      'authenticate authenticated bookmark error events expiring gap goodbye ping pong publish published snapshot ' +
        'subscribe subscribed unsubscribe unsubscribed welcome',
    )
  })
})
