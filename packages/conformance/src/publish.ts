/** Publishing by POST [WP-3.9]. */
import type { NewEvent, Published } from './driver.ts'
import { refusalOf } from './refusal.ts'
import { topicUrl } from './target.ts'

/**
 * Publishes events to a topic, all or none.
 * @returns one for each event, in order
 * @throws Refusal
 */
export async function post(
  baseUrl: string,
  topic: string,
  events: NewEvent | readonly NewEvent[],
): Promise<readonly Published[]> {
  const response = await fetch(topicUrl(baseUrl, topic), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(events),
  })
  const body = await response.text()
  if (response.status !== 201) throw refusalOf(response.status, response.headers.get('content-type'), body)
  return (JSON.parse(body) as { readonly events: readonly Published[] }).events
}

/** Publishes one event that is not stored [WP-9.3]; answers what is told of it. */
export const postOneEphemeral = (baseUrl: string, topic: string, event: NewEvent): Promise<object> =>
  postOne(baseUrl, topic, event)

/** Publishes one event. */
export async function postOne(baseUrl: string, topic: string, event: NewEvent): Promise<Published> {
  const [published, ...others] = await post(baseUrl, topic, event)
  if (published === undefined || others.length > 0) throw new Error('one event must be answered with one element')
  return published
}
