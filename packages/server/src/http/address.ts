/**
 * Where a request comes from: the address of its socket, or behind trusted proxies the last address that one of them
 * saw and that is none of them (RFC 7239; `X-Forwarded-For` is the same in older words). What a client itself puts into
 * these headers stands left of that, and never counts.
 */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { forwardedFor } from './forwarded.ts'

/**
 * Whose word about a client's address counts: that of proxies with these addresses or networks in CIDR notation; of this
 * machine's own, `'loopback'`; or of whoever connects, `true`, for a port that only one proxy can reach.
 */
export type TrustProxy = true | 'loopback' | readonly string[]

/** This machine's own addresses, as networks. */
const LOOPBACK = blockListOf(['127.0.0.0/8', '::1'])

/** What a socket without an address is named, such as one of a path in the file system. */
const LOCAL = 'local'

export class Addresses {
  readonly #trust: TrustProxy | undefined
  readonly #trusted: BlockList
  #onIgnored: ((peer: string) => void) | undefined

  /** @param onIgnored called once, when a request tells of a client of its own, by an address that is not trusted */
  constructor(trust: TrustProxy | undefined, onIgnored: (peer: string) => void) {
    this.#trust = trust
    this.#trusted = trust === 'loopback' ? LOOPBACK : blockListOf(Array.isArray(trust) ? trust : [])
    this.#onIgnored = onIgnored
  }

  /** The client's address, as text that is the same for the same address; IPv4 also where IPv6 carries it. */
  of({ headers, socket }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    const peer = canonical(socket.remoteAddress ?? '') ?? LOCAL
    const { forwarded, 'x-forwarded-for': forwardedForHeader } = headers
    if (forwarded === undefined && forwardedForHeader === undefined) return peer
    if (!this.#trusts(peer, true)) {
      this.#onIgnored?.(peer)
      this.#onIgnored = undefined
      return peer
    }
    const said = [
      ...(forwarded === undefined ? [] : [forwardedFor(forwarded)]),
      ...(forwardedForHeader === undefined ? [] : [textOf(forwardedForHeader).split(',')]),
    ].map((hops) => this.#client(peer, hops))
    // A proxy that writes one of the headers passes the other one on as the client sent it. Which one it writes is not
    // known, so where they differ neither counts.
    const [client = peer] = said
    return said.every((each) => each === client) ? client : peer
  }

  /** Whether a proxy that is trusted brings the request. */
  isProxied({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
    return this.#trusts(canonical(socket.remoteAddress ?? '') ?? LOCAL, true)
  }

  /** @param hops left to right, as each was seen by the one to its right, the last one by the peer */
  #client(peer: string, hops: readonly string[]): string {
    let client = peer
    let isPeer = true
    for (let i = hops.length - 1; i >= 0 && this.#trusts(client, isPeer); i--) {
      const hop = hopAddress(hops[i] as string)
      if (hop === undefined) break
      client = hop
      isPeer = false
    }
    return client
  }

  #trusts(address: string, isPeer: boolean): boolean {
    if (this.#trust === undefined) return false
    if (this.#trust === true) return isPeer
    if (address === LOCAL) return this.#trust === 'loopback'
    return this.#trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
}

/**
 * What quotas tell clients apart by: of IPv6 the first 64 bits, all of which are one subscriber's, who can take another
 * address for every connection.
 * @param address as {@link Addresses.of} gives it
 */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':')
    while (groups.length + after.length < 8) groups.push('0')
    groups.push(...after)
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}

/** Whether a host is this machine: its address, with or without the brackets that a URL has, or `localhost`. */
export function isLoopback(host: string): boolean {
  const address = canonical(host.replace(/^\[(.*)\]$/, '$1'))
  if (address === undefined) return host === 'localhost'
  return LOOPBACK.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
}

/** Whether others than this machine are trusted to tell of clients. */
export const isBehindOthers = (trust: TrustProxy | undefined): boolean =>
  trust === true || (Array.isArray(trust) && !(trust as readonly string[]).every(isLoopbackNetwork))

function isLoopbackNetwork(network: string): boolean {
  const [address = '', bits] = network.split('/')
  if (!isLoopback(address)) return false
  if (bits === undefined) return true
  // Of IPv4 within IPv6, 96 bits stand before it.
  return Number(bits) >= (isIPv4(address) ? 8 : canonical(address) === '::1' ? 128 : 96 + 8)
}

/** Whether a network holds all addresses of IPv4 or of IPv6. */
function isEverything(network: string): boolean {
  const list = blockListOf([network])
  return (
    (list.check('0.0.0.0', 'ipv4') && list.check('255.255.255.255', 'ipv4')) ||
    (list.check('::', 'ipv6') && list.check('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'ipv6'))
  )
}

/** What is wrong with an address or network of a configuration; `undefined` if nothing is. */
export function networkFault(text: string): string | undefined {
  const [address = '', bits, ...more] = text.split('/')
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0 || more.length > 0) return 'must be an address or a network, such as "10.0.0.0/8" or "fd00::/8"'
  if (bits === undefined) return undefined
  const bitsMax = version === 4 ? 32 : 128
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > bitsMax) return `must have from 1 to ${bitsMax} bits behind the slash`
  if (!isEverything(text)) return undefined
  return 'must not be all addresses, or clients could claim any; write true if only one proxy can reach the port'
}

function blockListOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

const textOf = (header: string | readonly string[]): string => (typeof header === 'string' ? header : header.join(','))

/** The address of a hop with or without its port: `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`. */
function hopAddress(hop: string): string | undefined {
  const text = hop.trim()
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/.exec(text) ?? []
  return canonical(bracketed ?? plain ?? text)
}

const MAPPED = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/

function canonical(address: string): string | undefined {
  if (isIPv4(address)) return address
  const [unzoned = ''] = address.split('%')
  if (isIP(unzoned) !== 6) return undefined
  // A URL writes each address in one way only.
  const text = new URL(`http://[${unzoned}]`).hostname.slice(1, -1)
  const [, high, low] = MAPPED.exec(text) ?? []
  if (high === undefined || low === undefined) return text
  const bits = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.')
}
