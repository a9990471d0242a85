/** MessagePack and JSON must say the same: what one can't say, the other must not let in. */
import { isDeepStrictEqual } from 'node:util'
import type { Json } from '@watchpost/protocol'
import fc from 'fast-check'
import { Packr, pack, Unpackr, unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { decodeMessagePack } from '../src/transports/websocket/msgpack-reader.ts'
import { encodeMessagePack } from '../src/transports/websocket/msgpack-writer.ts'

const DEPTH_MAX = 100
const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const decodeHex = (hex: string): unknown => decodeMessagePack(bytesOf(hex), DEPTH_MAX)
const encode = (value: Json): Uint8Array => encodeMessagePack(JSON.stringify(value))
const encodeHex = (value: Json): string => Buffer.from(encode(value)).toString('hex')

const anyName = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'toJSON', 'hasOwnProperty', 'prototype', 'length', 'then', '', '0', '😀'),
)
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary', minLength: 25, maxLength: 300 }),
  fc.constantFrom('', '\ufeff', `\ufeff${'é'.repeat(100)}`, '\0', '😀'.repeat(20)),
)
const anyNumber = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(...[7, 8, 15, 16, 31, 32, 53, 63, 64].flatMap((bits) => [2 ** bits, 2 ** bits - 1, -(2 ** bits)])),
)
const { value: anyJson } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom<Json>(null, true, false),
    anyNumber,
    anyText,
    fc.array(tie('value'), { maxLength: 20 }),
    fc
      .array(fc.tuple(anyName, tie('value')), { maxLength: 20 })
      // By way of JSON, since a member `__proto__` can't be assigned.
      .map((members) => parseObject(members)),
  ),
}))
const parseObject = (members: readonly (readonly [string, Json])[]): Json =>
  JSON.parse(
    `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`,
  ) as Json

/** Whether JSON can say a value; iterative, since it may nest deep. */
function isJson(value: unknown): boolean {
  const left = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (next === null || typeof next === 'boolean') continue
    if (typeof next === 'string' ? !/\p{Surrogate}/u.test(next) : Number.isFinite(next)) continue
    if (typeof next !== 'object') return false
    const isArray = Array.isArray(next)
    if (Object.getPrototypeOf(next) !== (isArray ? Array.prototype : Object.prototype)) return false
    for (const name of Object.keys(next)) left.push((next as Record<string, unknown>)[name])
  }
  return true
}

/** The value, or the refusal of bytes that have none; anything else that is thrown is a fault. */
function decodeOrRefusal(bytes: Uint8Array): { value: unknown } | { refusal: string } {
  try {
    return { value: decodeMessagePack(bytes, DEPTH_MAX) }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { refusal: error.message }
  }
}

const REFUSAL = /^The message is no MessagePack that JSON has a word for: .+, at byte \d+\.$/

/** A value decoded is one of JSON, and the same that msgpackr reads; a refusal is ours, and not that of some call. */
function expectJsonOrRefusal(bytes: Uint8Array): void {
  const result = decodeOrRefusal(bytes)
  if ('refusal' in result) {
    expect(result.refusal).toMatch(REFUSAL)
    return
  }
  expect(isJson(result.value)).toBe(true)
  // Without its native part, msgpackr drops a byte order mark from a long text.
  if (Buffer.from(bytes).includes('\ufeff')) return
  const other = fromMaps(new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: 'number' }).unpack(bytes))
  expect(isDeepStrictEqual(result.value, other)).toBe(true)
}

function fromMaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromMaps)
  if (!(value instanceof Map)) return value
  const members = [...(value as ReadonlyMap<string, unknown>)]
  return Object.fromEntries(members.map(([name, member]) => [name, fromMaps(member)]))
}

describe('MessagePack of JSON [WP-4.2]', () => {
  it('is read as what JSON would have been', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const json = JSON.stringify(value)
        const decoded = decodeMessagePack(encode(value), DEPTH_MAX)
        expect(isDeepStrictEqual(decoded, JSON.parse(json))).toBe(true)
        expect(JSON.stringify(decoded)).toBe(json)
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    [null, 'c0'],
    [false, 'c2'],
    [true, 'c3'],
    [0, '00'],
    [-0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [4_294_967_295, 'ceffffffff'],
    // Clients read 64-bit integers as something other than numbers, so larger ones are doubles.
    [4_294_967_296, 'cb41f0000000000000'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-128, 'd080'],
    [-129, 'd1ff7f'],
    [-32_768, 'd18000'],
    [-32_769, 'd2ffff7fff'],
    [-2_147_483_648, 'd280000000'],
    [-2_147_483_649, 'cbc1e0000000200000'],
    [1.5, 'cb3ff8000000000000'],
    ['', 'a0'],
    ['é', 'a2c3a9'],
    ['\ud800', 'a3efbfbd'],
    [[], '90'],
    [{}, '80'],
    [{ a: [1, { b: null }] }, '81a161920181a162c0'],
    [{ constructor: 1, toJSON: 2 }, '82ab636f6e7374727563746f7201a6746f4a534f4e02'],
  ] satisfies [Json, string][])('encodes %j as %s', (value, hex) => {
    expect(encodeHex(value)).toBe(hex)
  })

  it.each([
    [31, 'bf'],
    [32, 'd920'],
    [255, 'd9ff'],
    [256, 'da0100'],
    [65_535, 'daffff'],
    [65_536, 'db00010000'],
  ])('encodes a text of %i bytes with the head %s', (length, head) => {
    expect(encodeHex('x'.repeat(length))).toBe(head + '78'.repeat(length))
  })

  it.each([
    [15, '9f', '8f'],
    [16, 'dc0010', 'de0010'],
    [65_535, 'dcffff', 'deffff'],
    [65_536, 'dd00010000', 'df00010000'],
  ])('encodes %i elements or members with the heads %s and %s', (count, array, map) => {
    const items = Array.from({ length: count }, (_, n) => n)
    expect(encodeHex(items).slice(0, array.length)).toBe(array)
    const members = Object.fromEntries(items.map((n) => [`n${n}`, n]))
    expect(encodeHex(members).slice(0, map.length)).toBe(map)
    expect(decodeMessagePack(encode(members), 1)).toEqual(members)
  })

  it('encodes what nests as deep as any event may [WP-8.1]', () => {
    let value: Json = 'bottom'
    for (let level = 0; level < 1_010; level++) value = level % 2 === 0 ? [value] : { a: value }
    expect(isDeepStrictEqual(decodeMessagePack(encode(value), 1_010), value)).toBe(true)
  })

  it('does not change with what is encoded after it', () => {
    const first = encode({ text: 'first' })
    const copy = Buffer.from(first)
    for (let n = 0; n < 2_000; n++) encode({ text: 'x'.repeat(n) })
    expect(copy.equals(first)).toBe(true)
  })
})

describe('MessagePack that JSON has a word for [WP-4.2]', () => {
  it.each([
    ['positive fixint', '7f', 127],
    ['negative fixint', 'e0', -32],
    ['fixmap', '81 a1 61 01', { a: 1 }],
    ['fixarray', '92 01 02', [1, 2]],
    ['fixstr', 'a3 e2 82 ac', '€'],
    ['the character that stands for what is no text', 'a3 ef bf bd', '\ufffd'],
    ['nil', 'c0', null],
    ['false', 'c2', false],
    ['true', 'c3', true],
    ['float 32', 'ca 3f c0 00 00', 1.5],
    ['float 64', 'cb 3f b9 99 99 99 99 99 9a', 0.1],
    ['uint 8', 'cc ff', 255],
    ['uint 8, longer than need be', 'cc 01', 1],
    ['uint 16', 'cd ff fe', 65_534],
    ['uint 32', 'ce ff ff ff fe', 4_294_967_294],
    ['uint 64', 'cf 00 1f ff ff ff ff ff ff', Number.MAX_SAFE_INTEGER],
    ['uint 64 beyond 2^53', 'cf ff ff ff ff ff ff ff ff', 2 ** 64],
    ['uint 64 halfway to the next, even below', 'cf 00 20 00 00 00 00 00 01', 2 ** 53],
    ['uint 64 halfway to the next, even above', 'cf 00 20 00 00 00 00 00 03', 2 ** 53 + 4],
    ['int 8', 'd0 80', -128],
    ['int 16', 'd1 80 00', -32_768],
    ['int 32', 'd2 80 00 00 00', -2_147_483_648],
    ['int 64', 'd3 ff ff ff ff ff ff ff ff', -1],
    ['int 64 at its least', 'd3 80 00 00 00 00 00 00 00', -(2 ** 63)],
    ['int 64, positive', 'd3 00 00 00 01 00 00 00 02', 4_294_967_298],
    ['str 8', 'd9 01 61', 'a'],
    ['str 16', 'da 00 01 61', 'a'],
    ['str 32', 'db 00 00 00 01 61', 'a'],
    ['array 16', 'dc 00 02 01 02', [1, 2]],
    ['array 32', 'dd 00 00 00 02 01 02', [1, 2]],
    ['map 16', 'de 00 01 a1 61 01', { a: 1 }],
    ['map 32', 'df 00 00 00 01 a1 61 01', { a: 1 }],
    ['a key of str 8', '81 d9 01 61 01', { a: 1 }],
    ['the same key twice, as JSON.parse has it', '82 a1 61 01 a1 61 02', { a: 2 }],
    ['empty ones within others', '93 90 80 82 a0 90 a1 61 80', [[], {}, { '': [], a: {} }]],
  ])('is read: %s', (_name, hex, value) => {
    expect(decodeHex(hex)).toStrictEqual(value)
    expectJsonOrRefusal(bytesOf(hex))
  })

  it('is read from the midst of a larger buffer', () => {
    expect(decodeMessagePack(bytesOf('ff ff 92 01 02 ff').subarray(2, 5), 1)).toEqual([1, 2])
    expect(decodeMessagePack(new Uint8Array([0x92, 1, 2]), 1)).toEqual([1, 2])
  })

  it('makes members of names that mean something to objects', () => {
    const value = decodeHex('82 a9 5f5f70726f746f5f5f 81 a1 61 01 ab 636f6e7374727563746f72 02') as object
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(JSON.stringify(value)).toBe('{"__proto__":{"a":1},"constructor":2}')
  })

  it.each([
    [0, '01', '90'],
    [1, '90', '91 90'],
    [2, '91 81 a0 c0', '91 81 a0 80'],
  ])('may nest %i levels deep', (depthMax, allowed, refused) => {
    expect(() => decodeMessagePack(bytesOf(allowed), depthMax)).not.toThrow()
    expect(() => decodeMessagePack(bytesOf(refused), depthMax)).toThrow(`nest deeper than ${depthMax} levels`)
  })
})

describe('MessagePack that JSON has no word for is refused [WP-4.2]:', () => {
  it.each([
    ['nothing at all', '', 'it ends within a value, at byte 0'],
    ['the byte that is never used', 'c1', 'a value begins with C1'],
    ['bin 8', 'c4 01 00', 'binary data'],
    ['bin 16', 'c5 00 01 00', 'binary data'],
    ['bin 32', 'c6 00 00 00 01 00', 'binary data'],
    ['ext 8', 'c7 01 05 00', 'an extension type'],
    ['ext 16', 'c8 00 01 05 00', 'an extension type'],
    ['ext 32', 'c9 00 00 00 01 05 00', 'an extension type'],
    ['fixext 1', 'd4 05 00', 'an extension type'],
    ['fixext 2', 'd5 05 00 00', 'an extension type'],
    ['fixext 4', 'd6 05 00 00 00 00', 'an extension type'],
    ['fixext 8', 'd7 05 00 00 00 00 00 00 00 00', 'an extension type'],
    ['fixext 16', `d8 05 ${'00'.repeat(16)}`, 'an extension type'],
    ['a timestamp', 'd6 ff 00 00 00 00', 'an extension type'],
    ['NaN in 32 bits', 'ca 7f c0 00 00', 'a number is infinite or none'],
    ['infinity in 32 bits', 'ca 7f 80 00 00', 'a number is infinite or none'],
    ['NaN in 64 bits', 'cb 7f f8 00 00 00 00 00 00', 'a number is infinite or none'],
    ['minus infinity', 'cb ff f0 00 00 00 00 00 00', 'a number is infinite or none'],
    ['a key that is a number', '81 01 01', 'a key is no string, at byte 1'],
    ['a key that is nil', '81 c0 01', 'a key is no string, at byte 1'],
    ['a key that is a map', '81 80 01', 'a key is no string, at byte 1'],
    ['a key that is an array', '82 a0 01 91 a0 01', 'a key is no string, at byte 3'],
    ['a key of binary data', '81 c4 01 61 01', 'binary data'],
    ['a text cut within a character', 'a1 c3', 'a text is not UTF-8'],
    ['half of a surrogate pair', 'a3 ed a0 80', 'a text is not UTF-8'],
    ['an overlong character', 'a2 c0 80', 'a text is not UTF-8'],
    ['a late fault in a long text', `d9 40 ${'61'.repeat(63)} ff`, 'a text is not UTF-8'],
    ['a fault beside that character', 'a4 ef bf bd ff', 'a text is not UTF-8'],
    ['a key that is not UTF-8', '81 a1 ff 01', 'a text is not UTF-8'],
    ['a second value', '01 02', 'it goes on after its value, at byte 1'],
    ['something after a map', '81 a1 61 01 c0', 'it goes on after its value, at byte 4'],
    ['a head cut short', 'cd 01', 'it ends within a value'],
    ['a text cut short', 'a3 61 62', 'it ends within a value'],
    ['an array cut short', '92 01', 'it ends within a value'],
    ['a map cut short', '82 a1 61 01', 'it ends within a value'],
    ['a map without its last value', '81 a1 61', 'it ends within a value'],
  ])('%s', (_name, hex, fault) => {
    expect(() => decodeHex(hex)).toThrow(RangeError)
    expect(() => decodeHex(hex)).toThrow(fault)
    expect(() => decodeHex(hex)).toThrow(REFUSAL)
  })

  it('any valid message that is cut short or goes on', () => {
    fc.assert(
      fc.property(anyJson, fc.nat(), (value, place) => {
        const bytes = Buffer.from(encode(value))
        expect(decodeOrRefusal(bytes.subarray(0, place % bytes.length))).toHaveProperty('refusal')
        expect(decodeOrRefusal(Buffer.concat([bytes, Buffer.from([place % 256])]))).toHaveProperty('refusal')
      }),
    )
  })

  it('random bytes, unless they happen to be JSON', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), expectJsonOrRefusal), { numRuns: 2_000 })
  })

  it('messages with wrong bytes in them, unless they happen to be JSON', () => {
    const places = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(anyJson, places, (value, changes) => {
        const bytes = Buffer.from(encode(value))
        for (const [place, byte] of changes) bytes[place % bytes.length] = byte
        expectJsonOrRefusal(bytes)
      }),
      { numRuns: 1_000 },
    )
  })

  it('nesting without end, which takes no stack', () => {
    const LEVELS = 200_000
    const arrays = Buffer.alloc(LEVELS, 0x91)
    expect(() => decodeMessagePack(arrays, DEPTH_MAX)).toThrow('deeper than 100 levels')
    // Were it to recurse, this would be another RangeError.
    expect(() => decodeMessagePack(arrays, LEVELS)).toThrow('it ends within a value')
    arrays[LEVELS - 1] = 0x90
    expect(isJson(decodeMessagePack(arrays, LEVELS))).toBe(true)
    const maps = Buffer.from('81a0'.repeat(LEVELS), 'hex')
    expect(() => decodeMessagePack(maps, LEVELS)).toThrow('it ends within a value')
  })

  it('sizes that are claimed, without taking memory for them', () => {
    const peakKiB = (): number => process.resourceUsage().maxRSS
    const claims = [
      'dd 01 ff ff ff',
      'dd ff ff ff ff',
      'df 01 ff ff ff',
      'df ff ff ff ff',
      'db 3f ff ff ff',
      'db ff ff ff ff',
    ]
    // A message that has as many bytes as the outermost array claims elements, and claims as many again at each level.
    const believable = Buffer.alloc(1_000_000, 0xc0)
    for (let level = 0; level < DEPTH_MAX; level++) Buffer.from('dd000db000', 'hex').copy(believable, level * 5)
    const beforeKiB = peakKiB()
    for (const claim of claims) {
      for (const hex of [claim, `91 ${claim}`, `81 a0 ${claim}`, `${claim} 00 00`]) {
        expect(() => decodeHex(hex)).toThrow('it ends within a value')
      }
    }
    expect(() => decodeMessagePack(believable, DEPTH_MAX)).toThrow('it ends within a value')
    // Room for one of the claims of 33 million elements would take 268 MB, and all of the believable ones 700 MB.
    expect(peakKiB() - beforeKiB).toBeLessThan(200_000)
  })
})

describe('a client of msgpackr with its defaults [WP-4.2]', () => {
  /** msgpackr itself renames `__proto__`, and can drop a byte order mark. */
  const packable = anyJson.filter((value) => !/"__proto__"|\ufeff/.test(JSON.stringify(value)))

  it('reads what is sent', () => {
    fc.assert(
      fc.property(packable, (value) => {
        const bytes = encode(value)
        const expected = JSON.parse(JSON.stringify(value)) as unknown
        expect(isDeepStrictEqual(unpack(bytes), expected)).toBe(true)
        expect(isDeepStrictEqual(fromMaps(new Unpackr().unpack(bytes)), expected)).toBe(true)
      }),
    )
  })

  it('is read, as long as it sends what JSON has', () => {
    const packed = packable.filter((value) => !/"(constructor|toJSON)"/.test(JSON.stringify(value)))
    fc.assert(
      fc.property(packed, (value) => {
        const decoded = decodeMessagePack(pack(value), DEPTH_MAX)
        expect(isDeepStrictEqual(decoded, JSON.parse(JSON.stringify(value)))).toBe(true)
      }),
    )
  })

  it.each([
    ['many elements', Array.from({ length: 70_000 }, (_, n) => n)],
    ['many members', Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`name ${n}`, n / 3]))],
    ['texts of every length', [30, 31, 32, 255, 256, 65_535, 65_536].map((length) => 'é'.repeat(length))],
    ['numbers of every kind', [0, -1, 1.5, 200, -200, 70_000, -70_000, 5e9, -5e9, 2 ** 53, 1e300, -1e-300]],
  ])('and the server understand each other about %s', (_name, value) => {
    expect(decodeMessagePack(pack(value), DEPTH_MAX)).toEqual(value)
    expect(unpack(encode(value))).toEqual(value)
  })

  it('is told why its own words are not understood', () => {
    const records = new Packr()
    expect(() => decodeMessagePack(records.pack({ type: 'ping' }), DEPTH_MAX)).toThrow('send plain maps and text')
    expect(() => decodeMessagePack(pack({ at: new Date() }), DEPTH_MAX)).toThrow('an extension type')
    expect(() => decodeMessagePack(pack({ data: undefined }), DEPTH_MAX)).toThrow('an extension type')
    expect(() => decodeMessagePack(pack({ data: Buffer.from('a') }), DEPTH_MAX)).toThrow('binary data')
    expect(() => decodeMessagePack(pack(new Map([[1, 2]])), DEPTH_MAX)).toThrow('a key is no string')
    expect(decodeMessagePack(pack(2n ** 62n), DEPTH_MAX)).toBe(2 ** 62)
  })
})
