/** Chunks of compressed streams, and the ends that clients of different pasts need. */
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GzipStream, gzipChunk } from '../src/transports/gzip.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe('chunks', () => {
  it('decode after whatever a client was sent, and end with what is right for that client [WP-3.8]', () => {
    const short = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
    const long = fc.tuple(short, fc.nat(600)).map(([bytes, times]) => Buffer.concat(upTo(times).map(() => bytes)))
    const incompressible = fc.uint8Array({ minLength: 900, maxLength: 1_200, size: 'max' }).map((b) => Buffer.from(b))
    const raws = fc.array(fc.oneof(short, long, incompressible), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(raws, fc.array(fc.nat(), { maxLength: 20 }), short, (all, order, edge) => {
        const made = all.map((raw) => ({ raw, chunk: gzipChunk(raw) }))
        const sent = order.flatMap((n) => made[n % made.length] ?? [])
        const stream = new GzipStream()
        const bytes = [stream.begin(edge), ...sent.map(({ chunk }) => stream.add(chunk)), stream.end(edge)]
        expect(gunzipSync(Buffer.concat(bytes))).toEqual(Buffer.concat([edge, ...sent.map(({ raw }) => raw), edge]))
      }),
    )
  })

  it('are counted right past 4 GiB, where the length begins anew [WP-3.8]', () => {
    const chunk = gzipChunk(Buffer.alloc(2 ** 24))
    const stream = new GzipStream()
    stream.begin(Buffer.from('abc'))
    for (let n = 0; n < 257; n++) stream.add(chunk)
    expect(stream.end(Buffer.from('de')).subarray(-4).readUInt32LE()).toBe(2 ** 24 + 5)
  })
})
