import type { IncomingMessage } from 'node:http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Addresses, addressKey, type TrustProxy } from '../src/http/address.ts'
import { forwardedFor } from '../src/http/forwarded.ts'
import { get, openSse, startServer } from './harness.ts'

interface Hops {
  readonly peer?: string | undefined
  readonly forwarded?: string
  readonly xff?: string
}

function addressOf(trust: TrustProxy | undefined, hops: Hops): string {
  const headers = {
    ...(hops.forwarded !== undefined && { forwarded: hops.forwarded }),
    ...(hops.xff !== undefined && { 'x-forwarded-for': hops.xff }),
  }
  const peer = 'peer' in hops ? hops.peer : '10.0.0.1'
  const request = { headers, socket: { remoteAddress: peer } } as unknown as IncomingMessage
  return new Addresses(trust, () => undefined).of(request)
}

const PROXIES = ['10.0.0.0/8', 'fd00::/8']

describe('the address of a client [WP-8.3]', () => {
  const cases: readonly (readonly [string, TrustProxy | undefined, Hops, string])[] = [
    ['without a proxy is that of the socket', undefined, { peer: '192.0.2.7' }, '192.0.2.7'],
    ['is IPv4 also within IPv6', undefined, { peer: '::ffff:192.0.2.7' }, '192.0.2.7'],
    ['has one spelling', undefined, { peer: '2001:DB8:0:0::7' }, '2001:db8::7'],
    ['has no zone', undefined, { peer: 'fe80::7%eth0' }, 'fe80::7'],
    ['of a socket without one has a name', undefined, { peer: undefined }, 'local'],
    [
      'is not what somebody says whom nobody trusts',
      undefined,
      { xff: '192.0.2.7', forwarded: 'for=192.0.2.7' },
      '10.0.0.1',
    ],
    ['is not what a stranger says', PROXIES, { peer: '192.0.2.9', xff: '192.0.2.7' }, '192.0.2.9'],
    ['is what a trusted proxy says', PROXIES, { xff: '192.0.2.7' }, '192.0.2.7'],
    ['is what a trusted proxy says by IPv6', PROXIES, { peer: 'fd00::1', xff: '192.0.2.7' }, '192.0.2.7'],
    [
      'is what a trusted proxy says on a mapped address',
      PROXIES,
      { peer: '::ffff:10.0.0.1', xff: '192.0.2.7' },
      '192.0.2.7',
    ],
    ['passes over trusted hops', PROXIES, { xff: '192.0.2.7, 10.2.2.2,fd00::5' }, '192.0.2.7'],
    ['is the right-most that is not trusted', PROXIES, { xff: '198.51.100.1, 192.0.2.7, 10.2.2.2' }, '192.0.2.7'],
    ['is the first hop where all are trusted', PROXIES, { xff: '10.9.9.9, 10.2.2.2' }, '10.9.9.9'],
    ['may have a port', PROXIES, { xff: '192.0.2.7:4711' }, '192.0.2.7'],
    ['may have brackets and a port', PROXIES, { xff: '[2001:db8::7]:4711' }, '2001:db8::7'],
    ['of a hop is IPv4 also within IPv6', PROXIES, { xff: '::ffff:c000:207' }, '192.0.2.7'],
    ['stops at what is none', PROXIES, { xff: '192.0.2.7, nonsense, 10.2.2.2' }, '10.2.2.2'],
    ['stops at what is empty', PROXIES, { xff: '192.0.2.7,' }, '10.0.0.1'],
    ['stops at an address with too much of a port', PROXIES, { xff: '192.0.2.7:123456' }, '10.0.0.1'],
    ['stops at an octet over 255', PROXIES, { xff: '192.0.2.256' }, '10.0.0.1'],
    ['is in Forwarded as well', PROXIES, { forwarded: 'for=192.0.2.7;proto=https;by=10.0.0.1' }, '192.0.2.7'],
    [
      'is in Forwarded, quoted',
      PROXIES,
      { forwarded: 'proto=https ; For="[2001:db8::7]:4711" , for=10.2.2.2' },
      '2001:db8::7',
    ],
    ['is not an obfuscated one', PROXIES, { forwarded: 'for=192.0.2.7, for=_hidden' }, '10.0.0.1'],
    ['is not an unknown one', PROXIES, { forwarded: 'for=192.0.2.7, for=unknown, for=10.2.2.2' }, '10.2.2.2'],
    ['stops at an element without it', PROXIES, { forwarded: 'for=192.0.2.7, proto=http' }, '10.0.0.1'],
    ['is none of two in an element', PROXIES, { forwarded: 'for=192.0.2.7;for=192.0.2.8' }, '10.0.0.1'],
    [
      'is none within a quotation that was left open',
      PROXIES,
      { forwarded: 'for=192.0.2.7;x=", for="[2001:db8::7]"' },
      '10.0.0.1',
    ],
    ['is the same in both headers', PROXIES, { xff: '192.0.2.7', forwarded: 'for=192.0.2.7' }, '192.0.2.7'],
    ['is neither where they differ', PROXIES, { xff: '192.0.2.7', forwarded: 'for=192.0.2.8' }, '10.0.0.1'],
    [
      'is told by any peer if there is one proxy only',
      true,
      { peer: '192.0.2.9', xff: '198.51.100.1, 192.0.2.7' },
      '192.0.2.7',
    ],
    ['is not told by its client then', true, { peer: '192.0.2.9', xff: '192.0.2.7, 192.0.2.8' }, '192.0.2.8'],
    ['is told by this machine', 'loopback', { peer: '127.0.0.5', xff: '192.0.2.7' }, '192.0.2.7'],
    ['is told by this machine on IPv6', 'loopback', { peer: '::1', xff: '192.0.2.7' }, '192.0.2.7'],
    ['is told by this machine on a path', 'loopback', { peer: undefined, xff: '192.0.2.7' }, '192.0.2.7'],
    ['is not told by another machine', 'loopback', { peer: '10.0.0.1', xff: '192.0.2.7' }, '10.0.0.1'],
  ]
  it.each(cases)('%s', (_name, trust, hops, expected) => {
    expect(addressOf(trust, hops)).toBe(expected)
  })

  it('never becomes what a client wrote, whatever that is', () => {
    // What a client chose, and what a proxy appended to it.
    const text = fc.oneof(fc.string({ maxLength: 40 }), fc.stringMatching(/^[for=",;\\ .:\d[\]]{0,40}$/))
    fc.assert(
      fc.property(text, fc.boolean(), (chosen, isForwarded) => {
        const written = isForwarded
          ? { forwarded: `${chosen}, for="[2001:db8::7]:80";host="example.com"` }
          : { xff: `${chosen}, 2001:db8::7` }
        expect(['2001:db8::7', '10.0.0.1']).toContain(addressOf(PROXIES, written))
      }),
      { numRuns: 2_000 },
    )
  })

  it('is asked about once, when somebody who is not trusted tells of another client', () => {
    const peers: string[] = []
    const addresses = new Addresses(['10.0.0.0/8'], (peer) => peers.push(peer))
    const request = (peer: string): IncomingMessage =>
      ({ headers: { 'x-forwarded-for': '192.0.2.7' }, socket: { remoteAddress: peer } }) as unknown as IncomingMessage
    for (const peer of ['10.0.0.1', '172.16.0.1', '172.16.0.2']) addresses.of(request(peer))
    expect(peers).toEqual(['172.16.0.1'])
  })
})

describe('Forwarded', () => {
  it.each([
    ['for=a', ['a']],
    ['by=b;for=a, for=c;proto=http', ['a', 'c']],
    ['proto=http', ['']],
    ['for="a\\"b,c;d"', ['a"b,c;d']],
    ['', []],
    ['for', []],
    ['for=a,', []],
    ['for=a;', []],
    ['for=a,,for=b', []],
    ['for="a', []],
    ['for="a"b', []],
    ['for=a b', []],
  ])('%s', (header, hops) => {
    expect(forwardedFor(header)).toEqual(hops)
  })
})

describe('what limits tell addresses apart by [WP-8.3]', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['local', 'local'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::7', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['1::3:4:5:6:7:8', '1:0:3:4::/64'],
  ])('%s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })
})

describe('a server behind a proxy [WP-8.3]', () => {
  const limits = { connectionsPerAddress: 1 }

  it('tells clients apart by what the proxy says of them', async () => {
    const { url } = await startServer({ limits, trustProxy: 'loopback' })
    const from = (address: string) => openSse(`${url}/v1/topics/log`, { 'x-forwarded-for': address })
    await from('192.0.2.1')
    await from('192.0.2.2')
    await expect(from('192.0.2.1')).rejects.toThrow('429')
    // Another address of the same network of 64 bits.
    await from('2001:db8::1')
    await expect(from('2001:db8::2')).rejects.toThrow('429')
  })

  it('takes no word of whom it does not trust', async () => {
    const { url } = await startServer({ limits, trustProxy: ['192.0.2.1'] })
    await openSse(`${url}/v1/topics/log`, { 'x-forwarded-for': '192.0.2.1' })
    const answer = await get(`${url}/v1/topics/log?wait=1`, { 'x-forwarded-for': '192.0.2.2' })
    expect(answer.status).toBe(429)
  })
})
