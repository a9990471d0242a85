/** What the form asks for, as an address and as the command that does the same elsewhere. */
import { addressOf, hasToken, waitSeconds } from './api.ts'

/** Parameters that each way takes beside `key`, `type` and `select`. */
const START = ['after', 'last']

/** What the fields say; empty ones count as absent. */
export type Fields = (name: string) => string

const listOf = (text: string): readonly string[] =>
  text.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]))

/** Why a text can't be a topic or filter; empty if it can. Segments of dots would lead out of the server's own paths. */
export function faultOf(topic: string): string {
  const segments = topic.trim().split('/')
  if (segments.some((segment) => segment === '.' || segment === '..')) return 'A topic has no segment of dots.'
  return segments.includes('') && topic.trim() !== '' ? 'A topic has no empty segment.' : ''
}

/** A topic as part of a path: segment by segment, so that none can end the path or leave it. */
function pathOf(topic: string): string {
  if (faultOf(topic) !== '') throw new Error(faultOf(topic))
  return topic.trim().split('/').map(encodeURIComponent).join('/').replaceAll("'", '%27')
}

/** What to ask for; a state has no types, and no place to start from. @throws Error for what is no topic */
export function watchAddress(way: string, fields: Fields): URL {
  const path = way === 'state' ? 'state' : 'topics'
  const address = new URL(addressOf(`/v1/${path}/${pathOf(fields('topic'))}`))
  const several = way === 'state' ? ['key', 'select'] : ['key', 'type', 'select']
  for (const name of way === 'state' ? [] : START) {
    const value = fields(name).trim()
    if (value !== '') address.searchParams.set(name, value)
  }
  for (const name of several) for (const value of listOf(fields(name))) address.searchParams.append(name, value)
  return address
}

/** @throws Error for what is no topic */
export const publishAddress = (fields: Fields): URL => new URL(addressOf(`/v1/topics/${pathOf(fields('topic'))}`))

/** What a reader can paste into a terminal, or a program. The token itself is in neither. */
export function commandOf(way: string, address: URL): string {
  if (way === 'websocket') {
    const protocols = ["'watchpost.v1.json'", ...(hasToken() ? ["'bearer.' + token"] : [])].join(', ')
    return `new WebSocket('${address.href.replace(/^http/, 'ws').replaceAll("'", '%27')}', [${protocols}])`
  }
  const shown = new URL(address)
  if (way === 'long-poll') shown.searchParams.set('wait', waitSeconds)
  const accept = way === 'sse' ? "-N -H 'Accept: text/event-stream' " : ''
  const credentials = hasToken() ? '-H "Authorization: Bearer $TOKEN" ' : ''
  return `curl ${accept}${credentials}'${shown.href.replaceAll("'", '%27')}'`
}
