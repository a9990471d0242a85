/** Frames as bytes, judged by the standards' own examples, by zlib, and by the reader of `ws`. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { constants, inflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as ws from 'ws'
import { webSocketEncoding } from '../src/transports/websocket/encodings.ts'
import { FORMATS, JSON_FORMAT, MSGPACK_FORMAT } from '../src/transports/websocket/formats.ts'
import { COMPRESS_FROM_BYTES, frames, type Payload } from '../src/transports/websocket/frames.ts'
import { decodeMessagePack } from '../src/transports/websocket/msgpack-reader.ts'

/** What `ws` reads messages with; it exports them, but its types do not. */
interface Reading {
  readonly Receiver: new (options: { extensions: Readonly<Record<string, object>> }) => Writable
  readonly PerMessageDeflate: new (options: object) => { accept(offers: readonly object[]): void; cleanup(): void }
}
const { Receiver, PerMessageDeflate } = ws as unknown as Reading

/** What a client of `ws` is told, with or without compression agreed to. */
async function received(bytes: Buffer, compressed: boolean): Promise<Payload[]> {
  const deflate = new PerMessageDeflate({})
  deflate.accept([{ server_no_context_takeover: [true], client_no_context_takeover: [true] }])
  const receiver = new Receiver({ extensions: compressed ? { 'permessage-deflate': deflate } : {} })
  const payloads: Payload[] = []
  receiver.on('message', (data: Buffer, isBinary: boolean) => payloads.push(isBinary ? data : data.toString()))
  receiver.end(bytes)
  await once(receiver, 'finish')
  deflate.cleanup()
  return payloads
}

/** One frame, taken apart by the rules of RFC 6455 section 5.2 and nothing of the codec. */
interface Parsed {
  readonly final: boolean
  readonly rsv1: boolean
  readonly rsv2or3: boolean
  readonly opcode: number
  readonly masked: boolean
  readonly body: Buffer
}

function parsed(bytes: Buffer): Parsed[] {
  const list: Parsed[] = []
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at)
    const second = bytes.readUInt8(at + 1)
    const short = second & 0x7f
    const head = short === 127 ? 10 : short === 126 ? 4 : 2
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short === 126 ? bytes.readUInt16BE(at + 2) : short
    list.push({
      final: (first & 0x80) !== 0,
      rsv1: (first & 0x40) !== 0,
      rsv2or3: (first & 0x30) !== 0,
      opcode: first & 0x0f,
      masked: (second & 0x80) !== 0,
      body: bytes.subarray(at + head, at + head + length),
    })
    at += head + length
    expect(at).toBeLessThanOrEqual(bytes.length)
  }
  return list
}

const inflated = (body: Buffer): Buffer =>
  inflateRawSync(Buffer.concat([body, Buffer.from([0, 0, 0xff, 0xff])]), { finishFlush: constants.Z_SYNC_FLUSH })

const plainly = (payloads: readonly Payload[]): Payload[] =>
  payloads.map((payload) => (typeof payload === 'string' ? payload : Buffer.from(payload)))

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.tuple(fc.constantFrom('a', 'é', '€', '😀', '{"n":1}'), fc.nat({ max: 3_000 })).map(([unit, n]) => unit.repeat(n)),
)
const anyPayload: fc.Arbitrary<Payload> = fc.oneof(text, fc.uint8Array({ maxLength: 3_000 }))
const anyPayloads = fc.array(anyPayload, { maxLength: 12 })

describe('frames [WP-4.2]', () => {
  it('are those of RFC 6455, section 5.7', () => {
    expect(frames(['Hello'], false).toString('hex')).toBe('810548656c6c6f')
    const kib = Buffer.alloc(256, 7)
    expect(frames([kib], false)).toEqual(Buffer.concat([Buffer.from('827e0100', 'hex'), kib]))
    const more = Buffer.alloc(65_536, 7)
    expect(frames([more], false)).toEqual(Buffer.concat([Buffer.from('827f0000000000010000', 'hex'), more]))
  })

  it.each([
    [0, '8100'],
    [125, '817d'],
    [126, '817e007e'],
    [65_535, '817effff'],
    [65_536, '817f0000000000010000'],
  ])('take the shortest head for %i bytes', (length, head) => {
    const message = 'x'.repeat(length)
    expect(frames([message], false)).toEqual(Buffer.concat([Buffer.from(head, 'hex'), Buffer.from(message)]))
  })

  it('of text count bytes, not characters', () => {
    expect(frames(['é'.repeat(62), 'é'.repeat(63), '😀'], false)).toEqual(
      Buffer.concat([
        Buffer.from('817c', 'hex'),
        Buffer.from('é'.repeat(62)),
        Buffer.from('817e007e', 'hex'),
        Buffer.from('é'.repeat(63)),
        Buffer.from('8104f09f9880', 'hex'),
      ]),
    )
  })

  it('of half a surrogate pair are text all the same', () => {
    expect(frames(['a\ud800'], false).toString('hex')).toBe('810461efbfbd')
  })

  it('of nothing are nothing', () => {
    expect(frames([], false)).toHaveLength(0)
    expect(frames([], true)).toHaveLength(0)
  })

  it('carry each message whole, in order, unmasked, in one frame', () => {
    fc.assert(
      fc.property(anyPayloads, fc.boolean(), (payloads, compressed) => {
        const list = parsed(frames(payloads, compressed))
        expect(list).toHaveLength(payloads.length)
        for (const [index, frame] of list.entries()) {
          const payload = payloads[index] as Payload
          expect(frame).toMatchObject({ final: true, rsv2or3: false, masked: false })
          expect(frame.opcode).toBe(typeof payload === 'string' ? 1 : 2)
          const body = frame.rsv1 ? inflated(frame.body) : frame.body
          expect(body.equals(typeof payload === 'string' ? Buffer.from(payload) : payload)).toBe(true)
          if (frame.rsv1) expect(frame.body.length).toBeLessThan(body.length)
        }
      }),
    )
  })

  it('are read by another implementation', async () => {
    await fc.assert(
      fc.asyncProperty(anyPayloads, fc.boolean(), async (payloads, compressed) => {
        expect(await received(frames(payloads, compressed), compressed)).toEqual(plainly(payloads))
      }),
    )
  })

  it('of a thousand messages are one buffer', async () => {
    const payloads = Array.from({ length: 1_000 }, (_, n) => `{"n":${n},"text":"${'x'.repeat(n)}"}`)
    for (const compressed of [false, true]) {
      expect(await received(frames(payloads, compressed), compressed)).toEqual(payloads)
    }
  })
})

describe('compressed frames [WP-4.2]', () => {
  const compressedOnes = (payloads: readonly Payload[]): boolean[] =>
    parsed(frames(payloads, true)).map(({ rsv1 }) => rsv1)

  it('begin at so many bytes', () => {
    expect(COMPRESS_FROM_BYTES).toBe(1_024)
    expect(compressedOnes(['x'.repeat(1_023), 'x'.repeat(1_024)])).toEqual([false, true])
    expect(compressedOnes(['é'.repeat(511), 'é'.repeat(512)])).toEqual([false, true])
    expect(compressedOnes([Buffer.alloc(1_023), Buffer.alloc(1_024)])).toEqual([false, true])
  })

  it('come only where compression was agreed to', () => {
    expect(parsed(frames(['x'.repeat(5_000)], false)).map(({ rsv1 }) => rsv1)).toEqual([false])
  })

  it('stay as they are when that would not make them smaller', () => {
    const noise = randomBytes(2_000)
    const [frame] = parsed(frames([noise], true))
    expect(frame?.rsv1).toBe(false)
    expect(frame?.body.equals(noise)).toBe(true)
  })

  it('each decode without those before it', () => {
    const message = JSON.stringify({ text: 'the same in each '.repeat(200) })
    const list = parsed(frames([message, message, message], true))
    expect(list.map(({ body }) => inflated(body).toString())).toEqual([message, message, message])
    expect(list.map(({ rsv1 }) => rsv1)).toEqual([true, true, true])
  })

  it('end without the marker of the flush (RFC 7692, section 7.2.1)', () => {
    for (const bytes of [1_024, 5_000, 100_000]) {
      const [frame] = parsed(frames(['ab'.repeat(bytes / 2)], true))
      expect(frame?.body.subarray(-4).toString('hex')).not.toBe('0000ffff')
      expect(inflated(frame?.body as Buffer)).toHaveLength(bytes)
    }
  })
})

describe('encodings', () => {
  const EVENTS = [
    {
      offset: 7,
      json: '{"type":"line","topic":"log","id":"e.7","data":{"text":"é"},"timestamp":"2026-11-22T12:34:56.789Z"}',
    },
    { offset: 9, json: '{"type":"line","topic":"log","id":"e.9","data":null,"timestamp":"2026-11-22T12:34:56.790Z"}' },
  ]
  const TIMESTAMP = '2026-11-22T12:34:57.000Z'

  it('have a name of their own each', () => {
    const names = FORMATS.flatMap((format) =>
      [false, true].map((compressed) => webSocketEncoding(format, compressed).name),
    )
    expect(new Set(names).size).toBe(4)
  })

  it('send events just as they are logged [WP-4.4]', () => {
    const list = parsed(webSocketEncoding(JSON_FORMAT, false).events(EVENTS, true))
    expect(list.map(({ opcode }) => opcode)).toEqual([1, 1])
    expect(list.map(({ body }) => body.toString())).toEqual(EVENTS.map(({ json }) => json))
  })

  it('send the same in MessagePack [WP-4.2]', () => {
    const list = parsed(webSocketEncoding(MSGPACK_FORMAT, false).events(EVENTS, true))
    expect(list.map(({ opcode }) => opcode)).toEqual([2, 2])
    expect(list.map(({ body }) => decodeMessagePack(body, 10))).toEqual(EVENTS.map(({ json }) => JSON.parse(json)))
  })

  it('compress large events in either format [WP-4.2]', () => {
    const json = JSON.stringify({ type: 'line', data: 'x'.repeat(2_000) })
    for (const format of FORMATS) {
      const [frame] = parsed(webSocketEncoding(format, true).events([{ offset: 1, json }], true))
      expect(frame?.rsv1).toBe(true)
      expect(format.read(inflated(frame?.body as Buffer), 10)).toEqual(JSON.parse(json))
    }
  })

  it('say which subscription a bookmark or gap belongs to [WP-4.4] [WP-2.4]', () => {
    const gap = { reason: 'trimmed', after: 'e.1', earliest: 'e.0-5' } as const
    for (const format of FORMATS) {
      for (const compressed of [false, true]) {
        const encoding = webSocketEncoding(format, compressed)
        const read = (bytes: Buffer): unknown[] => parsed(bytes).map(({ body }) => format.read(body, 10))
        expect(read(encoding.bookmark('e.9', TIMESTAMP, ['chat/**']))).toEqual([
          { type: 'bookmark', data: { topic: 'chat/**', cursor: 'e.9' }, timestamp: TIMESTAMP },
        ])
        expect(read(encoding.gap(gap, TIMESTAMP, ['chat/**']))).toEqual([
          { type: 'gap', data: { topic: 'chat/**', ...gap }, timestamp: TIMESTAMP },
        ])
      }
    }
  })
})

describe('formats [WP-4.2]', () => {
  it('are known by their subprotocols, JSON first', () => {
    expect(FORMATS.map(({ name, subprotocol }) => [name, subprotocol])).toEqual([
      ['json', 'watchpost.v1.json'],
      ['msgpack', 'watchpost.v1.msgpack'],
    ])
  })

  it('send the same message as text, and as bytes', () => {
    const json = '{"type":"pong","data":"\\ud800"}'
    expect(JSON_FORMAT.payload(json)).toBe(json)
    expect(MSGPACK_FORMAT.payload(json)).toEqual(Buffer.from('82a474797065a4706f6e67a464617461a3efbfbd', 'hex'))
  })

  it('read alike what is said in either', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.stringify(value)
        const [first, second] = FORMATS.map((format) => format.read(Buffer.from(format.payload(json)), 100))
        expect(JSON.stringify(second)).toBe(json)
        expect(JSON.stringify(first)).toBe(json)
      }),
    )
  })

  it('refuse alike what nests too deep', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat({ max: 6 }), (value, depthMax) => {
        const json = JSON.stringify(value)
        const refuses = FORMATS.map((format) => {
          try {
            format.read(Buffer.from(format.payload(json)), depthMax)
            return false
          } catch (error) {
            expect((error as Error).message).toContain(`deeper than ${depthMax} levels`)
            return true
          }
        })
        expect(refuses[0]).toBe(refuses[1])
      }),
    )
  })

  it.each([
    ['brackets in a text', '"\\"[[\\\\"', 0],
    ['a text that ends in a backslash', '["[{\\\\",[]]', 2],
    ['siblings, which are not deeper than one', '[[],[],{"a":{}}]', 3],
    ['a byte order mark', '\ufeff{}', 1],
  ])('read JSON with %s', (_name, json, depthMax) => {
    expect(JSON_FORMAT.read(Buffer.from(json), depthMax)).toEqual(JSON.parse(json.replace('\ufeff', '')))
  })

  it.each([
    ['a comma too many', '{"a":1,}', 1, 'is not JSON: it fails at character 7.'],
    ['an open text', '{"a":"secret', 1, 'is not JSON: it fails at character 12.'],
    ['a word that is none', 'secret', 1, 'is not JSON: it fails.'],
    ['a place that only it speaks of', 'at position 42', 1, 'is not JSON: it fails.'],
    ['nothing', '', 1, 'is not JSON: it fails.'],
    ['arrays too deep', '[[],[],[[1]]]', 2, 'nests deeper than 2 levels.'],
    ['objects too deep', '[{"a":{"b":1}}]', 2, 'nests deeper than 2 levels.'],
    ['nesting without end', '['.repeat(200_000), 100, 'nests deeper than 100 levels.'],
    ['nesting that nothing ends', '['.repeat(200_000), 200_000, 'is not JSON: it fails.'],
  ])('say what is wrong with JSON of %s, and quote nothing of it', (_name, json, depthMax, fault) => {
    expect(() => JSON_FORMAT.read(Buffer.from(json), depthMax)).toThrow(new RangeError(`The message ${fault}`))
  })

  it('say that a text is not UTF-8', () => {
    expect(() => JSON_FORMAT.read(Buffer.from('22ff22', 'hex'), 1)).toThrow(new RangeError('The message is not UTF-8.'))
  })
})
