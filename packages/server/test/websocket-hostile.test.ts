/** What a hostile peer can send once its WebSocket is open: forbidden frames, bombs and floods. */
import { constants, deflateRawSync } from 'node:zlib'
import { pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { beside } from './fixtures/beside.ts'
import { type Child, startChild } from './fixtures/child.ts'
import { EAGER_CLIENTS } from './fixtures/one-address.ts'
import {
  type Closed,
  closeFrame,
  type FrameOptions,
  frame,
  type Message,
  OPCODE,
  openRaw,
  type RawSocket,
  textFrame,
} from './fixtures/raw-socket.ts'
import { temporaryDir } from './harness.ts'

const MSGPACK = { 'Sec-WebSocket-Protocol': 'watchpost.v1.msgpack' }
const JSON_ONLY = { 'Sec-WebSocket-Protocol': 'watchpost.v1.json' }
const DEFLATE = { 'Sec-WebSocket-Extensions': 'permessage-deflate' }

/** Bit that marks a message as compressed. */
const COMPRESSED: FrameOptions = { rsv: 4 }
const EURO = Buffer.from('€')
const NOT_LAST: FrameOptions = { fin: false }
const { continuation, text, binary, close, ping, pong } = OPCODE

const server = async (limits = {}): Promise<Child> =>
  startChild({ dataDir: await temporaryDir(), durability: 'os', limits })

/** Opens a connection for each entry, sends the frames of that entry, and gives the code that the server closed it with. */
async function codesAfter(
  url: string,
  entries: Readonly<Record<string, readonly Buffer[]>>,
  headers: Readonly<Record<string, string>> = JSON_ONLY,
): Promise<Record<string, Closed['code']>> {
  const codes = Object.entries(entries).map(async ([name, frames]) => {
    const peer = await openRaw(url, { headers })
    peer.send(...frames)
    return [name, (await peer.closed).code] as const
  })
  return Object.fromEntries(await Promise.all(codes))
}

const allOf = (entries: object, code: number) => Object.fromEntries(Object.keys(entries).map((name) => [name, code]))

const problemOf = ({ error }: Message): unknown => (error as { readonly type?: unknown } | undefined)?.type

describe('frames', () => {
  it('that RFC 6455 forbids end the connection with 1002 [WP-4.9]', async () => {
    const { url, logged } = await server()
    const opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]
    const codes = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]
    const forbidden = {
      'unmasked text': [frame(text, '{"type":"ping"}', { masked: false })],
      'an unmasked ping': [frame(ping, '', { masked: false })],
      'a ping of 126 bytes': [frame(ping, 'x'.repeat(126))],
      'a pong of 126 bytes': [frame(pong, 'x'.repeat(126))],
      'a close frame of 126 bytes': [closeFrame(1000, 'x'.repeat(124))],
      'a ping in fragments': [frame(ping, 'x', NOT_LAST), frame(continuation)],
      'a close frame in fragments': [frame(close, closeFrame(1000).subarray(6), NOT_LAST)],
      'a close frame of one byte': [frame(close, 'x')],
      'a continuation of nothing': [frame(continuation, 'x')],
      'a continuation after a whole message': [textFrame({ type: 'ping' }), frame(continuation, 'x')],
      'a message within a message': [frame(text, '{', NOT_LAST), frame(text, '}')],
      ...Object.fromEntries(opcodes.map((opcode) => [`opcode ${opcode}`, [frame(opcode)]])),
      ...Object.fromEntries([1, 2, 4].map((rsv) => [`reserved bits ${rsv}`, [frame(text, '{}', { rsv })]])),
      ...Object.fromEntries([1, 2, 4].map((rsv) => [`reserved bits ${rsv} of a ping`, [frame(ping, '', { rsv })]])),
      ...Object.fromEntries(codes.map((code) => [`close code ${code}`, [closeFrame(code)]])),
    }
    const { result } = await beside(url, () => codesAfter(url, forbidden))
    expect(result).toEqual(allOf(forbidden, 1002))
    expect(logged).toEqual([])
  })

  it('of compressed messages are held to the same rules [WP-4.2] [WP-4.9]', async () => {
    const { url, logged } = await server()
    const packed = deflateRawSync('{"type":"ping"}')
    const forbidden = {
      'a compressed ping': [frame(ping, packed, COMPRESSED)],
      'a compressed continuation': [frame(text, packed, { rsv: 4, fin: false }), frame(continuation, '', COMPRESSED)],
      'reserved bits 5': [frame(text, packed, { rsv: 5 })],
    }
    const headers = { ...JSON_ONLY, ...DEFLATE }
    const { result } = await beside(url, () => codesAfter(url, forbidden, headers))
    expect(result).toEqual(allOf(forbidden, 1002))
    expect(await codesAfter(url, { garbage: [frame(text, 'no deflate', COMPRESSED)] }, headers)).toEqual({
      garbage: 1007,
    })
    expect(logged).toEqual([])
  })

  it('of text that is not UTF-8 end it with 1007, however they are cut [WP-4.9]', async () => {
    const { url, logged } = await server()
    const invalid = {
      'a lone continuation byte': [0x80],
      'an overlong slash': [0xc0, 0xaf],
      'a surrogate': [0xed, 0xa0, 0x80],
      'beyond Unicode': [0xf4, 0x90, 0x80, 0x80],
      'half a character': [0xe2, 0x82],
      '0xff': [0x22, 0xff, 0x22],
    }
    const whole = Object.entries(invalid).map(([name, bytes]) => [name, [frame(text, Buffer.from(bytes))]])
    const cut = Object.entries(invalid).map(([name, bytes]) => [
      `${name}, byte by byte`,
      bytes.map((byte, i) =>
        frame(i === 0 ? text : continuation, Buffer.from([byte]), { fin: i === bytes.length - 1 }),
      ),
    ])
    const entries = Object.fromEntries([
      ...whole,
      ...cut,
      ['in a close frame', [closeFrame(1000, Buffer.from([0xff]))]],
    ]) as Record<string, Buffer[]>
    const { result } = await beside(url, () => codesAfter(url, entries))
    expect(result).toEqual(allOf(entries, 1007))
    expect(logged).toEqual([])
  })

  it('that RFC 6455 allows, however odd, are taken [WP-4.3] [WP-4.9]', async () => {
    const { url, logged } = await server()
    const peer = await openRaw(url)
    const euro = Buffer.from('{"type":"ping","id":"€"}')
    const at = euro.indexOf(EURO) + 1
    peer.send(frame(pong, 'nobody asked'), frame(ping), frame(text, '', NOT_LAST))
    peer.send(frame(continuation, euro.subarray(0, at), NOT_LAST), frame(ping, 'x'.repeat(125)))
    peer.send(frame(continuation, euro.subarray(at, at + 1), NOT_LAST), frame(continuation, '', NOT_LAST))
    peer.send(frame(continuation, euro.subarray(at + 1)))
    expect(await peer.next(({ re }) => re === '€')).toMatchObject({ type: 'pong', re: '€' })
    const pongs = peer.frames.filter(({ opcode }) => opcode === pong).map(({ payload }) => payload.toString())
    expect(pongs).toEqual(['', 'x'.repeat(125)])
    const codes = [1000, 1001, 1003, 1011, 3000, 4999]
    const closes = Object.fromEntries(codes.map((code) => [code, [closeFrame(code, 'bye')]]))
    expect(await codesAfter(url, closes)).toEqual(Object.fromEntries(codes.map((code) => [code, code])))
    expect(logged).toEqual([])
  })

  it('of the wrong kind for the subprotocol end it with 1003 [WP-4.2] [WP-4.9]', async () => {
    const { url, logged } = await server()
    const packed = pack({ type: 'ping' })
    expect(await codesAfter(url, { binary: [frame(binary, packed)] })).toEqual({ binary: 1003 })
    expect(await codesAfter(url, { text: [textFrame({ type: 'ping' })] }, MSGPACK)).toEqual({ text: 1003 })
    expect(logged).toEqual([])
  })
})

describe('messages that are too large', () => {
  const messageBytesMax = 100_000

  it('end the connection with 1009, as soon as that is known [WP-4.9] [WP-8.1]', async () => {
    const { url, logged } = await server({ messageBytesMax })
    const claims = [BigInt(messageBytesMax) + 1n, 2n ** 31n, 2n ** 32n + 5n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]
    const half = 'x'.repeat(messageBytesMax / 2)
    const entries = {
      ...Object.fromEntries(
        claims.map((claimedBytes) => [`claims ${claimedBytes}`, [frame(text, '', { claimedBytes })]]),
      ),
      'a byte too many': [frame(text, 'x'.repeat(messageBytesMax + 1))],
      'in two fragments': [frame(text, half, NOT_LAST), frame(continuation, `${half}x`)],
    }
    const { result } = await beside(url, () => codesAfter(url, entries))
    expect(result).toEqual(allOf(entries, 1009))
    const peer = await openRaw(url)
    peer.send(frame(text, `{"type":"ping","id":"1"}`.padEnd(messageBytesMax)))
    expect(await peer.next(({ re }) => re === '1')).toMatchObject({ type: 'pong' })
    expect(logged).toEqual([])
  })

  it('once they are inflated end it with 1009, and are never held whole [WP-4.9] [WP-4.2]', {
    timeout: 60_000,
  }, async () => {
    const { url, logged } = await server()
    // Each part stands by itself, so many of them in a row are one message of as many megabytes of zeros.
    const part = deflateRawSync(Buffer.alloc(1_000_000), { finishFlush: constants.Z_FULL_FLUSH })
    const bomb = frame(text, Buffer.concat(Array.from({ length: 1_000 }, () => part)).subarray(0, -4), COMPRESSED)
    expect(bomb.length).toBeLessThan(1_048_576)
    const { result, grownMb } = await beside(url, () => {
      const peers = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [i, [bomb]]))
      return codesAfter(url, peers, { ...JSON_ONLY, ...DEFLATE })
    })
    expect(new Set(Object.values(result))).toEqual(new Set([1009]))
    console.log(`ten times 1 GB of zeros in ${bomb.length} bytes: memory grew by ${JSON.stringify(grownMb)} MB`)
    expect(grownMb.externalMb).toBeLessThan(200)
    expect(logged).toEqual([])
  })

  it('in fragments end it with 1008 when there are too many, even of nothing [WP-4.9]', {
    timeout: 60_000,
  }, async () => {
    const { url, logged } = await server()
    const flood = (payload: string, count: number) => [
      frame(text, payload, NOT_LAST),
      Buffer.concat(Array.from({ length: count - 1 }, () => frame(continuation, payload, NOT_LAST))),
    ]
    const entries = { '64k of nothing': flood('', 65_536), '16,385 of one byte': flood('x', 16_385) }
    const { result, grownMb } = await beside(url, () => codesAfter(url, entries))
    expect(result).toEqual(allOf(entries, 1008))
    expect(grownMb.heapMb).toBeLessThan(150)
    const peer = await openRaw(url)
    const whole = '{"type":"ping","id":"1"}'.padEnd(16_384)
    const part = (i: number) => frame(i === 0 ? text : continuation, whole.charAt(i), { fin: i === whole.length - 1 })
    peer.send(...Array.from(whole, (_, i) => part(i)))
    expect(await peer.next(({ re }) => re === '1')).toMatchObject({ type: 'pong' })
    expect(logged).toEqual([])
  })
})

describe('bad messages', () => {
  const bad: readonly string[] = [
    'no JSON',
    '[]',
    'null',
    '"ping"',
    '{}',
    '{"type":"pong"}',
    '{"type":"constructor"}',
    '{"type":"ping","id":7}',
    '{"type":"ping","extra":1}',
  ]

  it('are answered nine times a minute; the tenth ends the connection with 4400 [WP-4.8]', async () => {
    const { url, logged } = await server()
    const { result } = await beside(url, async () => {
      const peer = await openRaw(url)
      const errors = () => peer.messages.filter(({ type }) => type === 'error')
      for (const [i, message] of bad.entries()) {
        peer.send(frame(text, message))
        await expect.poll(() => errors().length).toBe(i + 1)
      }
      peer.ask({ type: 'ping', id: 'still there' })
      await peer.next(({ re }) => re === 'still there')
      const answered = errors().map(problemOf)
      peer.send(frame(text, ''))
      return { answered, code: (await peer.closed).code }
    })
    expect(result).toEqual({ answered: bad.map(() => '/problems/invalid-message'), code: 4400 })
    expect(logged).toEqual([])
  })

  it('that are bombs of MessagePack or JSON are no more than bad [WP-4.2] [WP-4.8]', async () => {
    const { url, logged } = await server()
    const deep = (opening: number) => Buffer.alloc(500_000, opening)
    const packed: Readonly<Record<string, Buffer>> = {
      'an array of 2^31': Buffer.from([0xdd, 0x80, 0, 0, 0]),
      'an array of 2^32 - 1 in a map': Buffer.from([0x81, 0xa1, 0x61, 0xdd, 0xff, 0xff, 0xff, 0xff]),
      'a map of 2^31': Buffer.from([0xdf, 0x80, 0, 0, 0]),
      'a string of 4 GB': Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff]),
      'bytes of 4 GB': Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
      'an extension of 4 GB': Buffer.from([0xc9, 0xff, 0xff, 0xff, 0xff, 1]),
      'arrays in arrays': deep(0x91),
      'maps in maps': Buffer.from(Array.from({ length: 500_000 }, (_, i) => [0x81, 0xa1, 0x61][i % 3] as number)),
      nothing: Buffer.alloc(0),
    }
    const texts = { arrays: '['.repeat(500_000), objects: '{"a":'.repeat(200_000) }
    const { result, grownMb } = await beside(url, async () => {
      const packer = await openRaw(url, { headers: MSGPACK })
      packer.send(...Object.values(packed).map((bytes) => frame(binary, bytes)))
      const json = await openRaw(url)
      json.send(...Object.values(texts).map((bytes) => frame(text, bytes)), textFrame({ type: 'ping', id: 'last' }))
      await json.next(({ re }) => re === 'last')
      // After `welcome`, one answer to each.
      await expect.poll(() => packer.frames.length, { timeout: 15_000 }).toBe(1 + Object.keys(packed).length)
      return { json: json.messages.slice(1, -1).map(problemOf), open: !packer.socket.destroyed }
    })
    expect(result).toEqual({ json: Object.keys(texts).map(() => '/problems/invalid-message'), open: true })
    expect(grownMb.heapMb).toBeLessThan(200)
    expect(grownMb.externalMb).toBeLessThan(200)
    expect(logged).toEqual([])
  })
})

describe('a flood whose answers are not read', () => {
  const COUNT = 200_000

  /** Sends bytes as fast as they are taken; resolves when all are, or none was for a second. */
  async function pour(peer: RawSocket, bytes: Buffer): Promise<boolean> {
    peer.socket.pause()
    peer.send(bytes)
    for (let seen = -1; peer.socket.writableLength > 0; ) {
      if (seen === peer.socket.bytesWritten - peer.socket.writableLength) return false
      seen = peer.socket.bytesWritten - peer.socket.writableLength
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
    return true
  }

  it('of pings does not pile up pongs [WP-4.10] [WP-8.1]', { timeout: 60_000 }, async () => {
    const { url, logged } = await server()
    const one = frame(ping, 'x'.repeat(125))
    const { grownMb } = await beside(url, async () => {
      const peer = await openRaw(url, { answers: false })
      return pour(peer, Buffer.concat(Array.from({ length: COUNT }, () => one)))
    })
    console.log(`${COUNT} pings that nobody reads the pongs of: memory grew by ${JSON.stringify(grownMb)} MB`)
    expect(grownMb.externalMb).toBeLessThan(60)
    expect(grownMb.heapMb).toBeLessThan(150)
    expect(logged).toEqual([])
  })

  /** So long that all together don't fit into the buffers of the two kernels' ends. */
  const padded = (request: object): Buffer => frame(text, JSON.stringify(request).padEnd(400))
  const pingRequest = (n: number) => [padded({ type: 'ping', id: `${n}`.padEnd(64, '-') })]
  const subscribeAndLeave = (n: number) =>
    ['subscribe', 'unsubscribe'].map((type, i) => padded({ type, id: `${n * 2 + i}`, data: { topic: `chat/${n}` } }))

  it.each([
    ['pings', COUNT, pingRequest],
    ['subscriptions', COUNT / 4, subscribeAndLeave],
  ])(
    'of requests for %s is read only as its answers are, and answered whole [WP-4.3] [WP-8.1]',
    {
      timeout: 90_000,
    },
    async (kind, count, framesOf) => {
      const { url, logged } = await server(EAGER_CLIENTS)
      const requests = Array.from({ length: count }, (_, n) => framesOf(n)).flat()
      const peer = await openRaw(url)
      const { result: wasTaken, grownMb } = await beside(url, () => pour(peer, Buffer.concat(requests)))
      console.log(
        `${requests.length} requests for ${kind} whose answers wait: memory grew by ${JSON.stringify(grownMb)} MB`,
      )
      expect(wasTaken).toBe(false)
      expect(grownMb.externalMb).toBeLessThan(60)
      expect(grownMb.heapMb).toBeLessThan(150)
      peer.socket.resume()
      const answers = () => peer.messages.filter(({ re }) => re !== undefined)
      await expect.poll(() => answers().length, { timeout: 60_000 }).toBe(requests.length)
      const answered = answers().map(({ re }) => Number.parseInt(String(re), 10))
      expect(answered.toSorted((a, b) => a - b)).toEqual(requests.map((_, id) => id))
      expect(answers().filter(({ type }) => type === 'error')).toEqual([])
      expect(logged).toEqual([])
    },
  )

  it('of publishes is all published, in order, and acknowledged once it is read [WP-4.3] [WP-2.5]', {
    timeout: 90_000,
  }, async () => {
    const { url, logged } = await server(EAGER_CLIENTS)
    const count = 20_000
    const publishes = Array.from({ length: count }, (_, n) =>
      textFrame({
        type: 'publish',
        id: String(n),
        data: { topic: 'log', type: 'line', data: { n, text: 'x'.repeat(200) } },
      }),
    )
    const peer = await openRaw(url)
    const { grownMb } = await beside(url, async () => {
      await pour(peer, Buffer.concat(publishes))
      peer.socket.resume()
      const published = () => peer.messages.filter(({ type }) => type === 'published').length
      await expect.poll(published, { timeout: 60_000 }).toBe(count)
    })
    console.log(`${count} publishes that nobody reads the answers of: memory grew by ${JSON.stringify(grownMb)} MB`)
    const numbers: number[] = []
    for (let after = 'earliest'; ; ) {
      const page = await (await fetch(`${url}/v1/topics/log?limit=1000&after=${after}`)).json()
      const { events, cursor, more } = page as { events: { data: { n: number } }[]; cursor: string; more: boolean }
      numbers.push(...events.map(({ data }) => data.n))
      after = cursor
      if (!more) break
    }
    expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n))
    expect(grownMb.heapMb).toBeLessThan(200)
    expect(logged).toEqual([])
  })
})
