/** The URL of a watch [WP-3.2] [WP-3.6], which is the same for every transport. */
import type { WatchRequest } from './driver.ts'

/** A topic in a path. Slashes stay, and a topic needs no other escapes; what is no topic gets them [WP-3.3]. */
const inPath = (topic: string): string => encodeURIComponent(topic).replaceAll('%2F', '/')

/** The URL that publishes to a topic, and watches it. */
export const topicUrl = (baseUrl: string, topic: string): URL => new URL(`${baseUrl}/v1/topics/${inPath(topic)}`)

/** The URL that watches what a request names, without where to start. */
export function watchUrl(baseUrl: string, request: WatchRequest): URL {
  const [topic, ...others] = request.topics
  if (topic === undefined) throw new TypeError('name at least one topic')
  const url = others.length === 0 ? topicUrl(baseUrl, topic) : new URL(`${baseUrl}/v1/events`)
  if (others.length > 0) for (const each of request.topics) url.searchParams.append('topic', each)
  for (const name of ['key', 'type', 'select'] as const) {
    for (const value of request[name] ?? []) url.searchParams.append(name, value)
  }
  if (request.present !== undefined) url.searchParams.set('present', String(request.present))
  if (request.info !== undefined) url.searchParams.set('info', JSON.stringify(request.info))
  return url
}

/** The same URL with where the request starts. */
export function startingUrl(baseUrl: string, request: WatchRequest): URL {
  const url = watchUrl(baseUrl, request)
  if (request.after !== undefined) url.searchParams.set('after', request.after)
  if (request.last !== undefined) url.searchParams.set('last', String(request.last))
  return url
}
