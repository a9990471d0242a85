/** Headers by which every answer of a topic that is to end says so: `Deprecation` (RFC 9745) and `Sunset` (RFC 8594). */
import type { Deprecation, Resolved } from '@watchpost/core'
import { isExact } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { mayKnow } from '../documents/rights.ts'
import type { Exchange } from './exchange.ts'

interface Ending extends Resolved {
  readonly deprecated: Deprecation
}

const NAMES: readonly string[] = ['deprecation', 'sunset', 'link']

/** Clients and proxies take so and so much of headers, often 8 KiB for all: over this, successors are for the documents. */
const LINKS_CHARACTERS_MAX = 2_048

/** Sets the headers on whatever is answered; nothing is said of a topic that the caller may not see [WP-6.3]. */
export function announceLifecycle(app: App, exchange: Exchange, topics: readonly string[]): void {
  const endings = topics.flatMap((name) => endingOf(app, exchange, name))
  const [first] = endings
  if (first === undefined) return
  const { response, basePath } = exchange
  const times = (name: 'since' | 'sunset'): readonly number[] =>
    endings.flatMap(({ deprecated }) => deprecated[name] ?? []).map((time) => Date.parse(time))
  // A structured field's date is in whole seconds.
  response.setHeader('deprecation', `@${Math.floor(Math.min(...times('since')) / 1_000)}`)
  const sunsets = times('sunset')
  if (sunsets.length > 0) response.setHeader('sunset', new Date(Math.min(...sunsets)).toUTCString())
  // An answer about several topics has several contexts.
  const isOwn = topics.length === 1
  const links = endings.flatMap((ending) => {
    const successor = successorOf(app, exchange, ending)
    if (successor === undefined) return []
    const anchor = isOwn ? '' : `; anchor="${basePath}/v1/topics/${ending.name}"`
    return `<${basePath}/v1/topics/${successor}>; rel="successor-version"${anchor}, `
  })
  const successors = links.join('')
  const told = successors.length > LINKS_CHARACTERS_MAX ? '' : successors
  response.setHeader('link', `${told}<${basePath}/docs>; rel="deprecation"; type="text/html"`)
}

/** The topic that takes its place, if the caller may know of it. */
function successorOf({ registry }: App, { identity }: Exchange, { params, deprecated }: Ending): string | undefined {
  const successor = deprecated.use?.replaceAll(/\{([^/]*)\}/g, (_match, parameter: string) => params[parameter] ?? '')
  return successor !== undefined && mayKnow(registry, successor, identity) ? successor : undefined
}

/** The lines of a handshake's answer that say so, which has no headers but these. */
export const lifecycleLines = ({ response }: Exchange): readonly string[] =>
  NAMES.flatMap((name) => {
    const value = response.getHeader(name)
    return value === undefined ? [] : `${name}: ${String(value)}`
  })

function endingOf({ registry }: App, { identity }: Exchange, name: string): readonly Ending[] {
  const resolved = isExact(name) ? registry.resolve(name) : undefined
  const deprecated = resolved?.topic.deprecated
  if (resolved === undefined || deprecated === undefined) return []
  const isSeen = registry.may('watch', resolved, identity) || registry.may('publish', resolved, identity)
  return isSeen ? [{ ...resolved, deprecated }] : []
}
