/** CloudEvents 1.0 in structured JSON, in and out [WP-3.9]. `subject` is the key; `time` the timestamp. */
import { type Event, ProblemError } from '@watchpost/protocol'

/** An encoded event as a CloudEvent. Its `id` is the cursor just after it, its `source` the topic's URL. */
export function toCloudEvents(json: string): object {
  const event = JSON.parse(json) as Event
  return {
    specversion: '1.0',
    id: event.id,
    source: `/v1/topics/${event.topic}`,
    type: event.type,
    ...(event.key !== undefined && { subject: event.key }),
    time: event.timestamp,
    datacontenttype: 'application/json',
    data: event.data,
  }
}

/**
 * A CloudEvent as an event to publish. Its own `id` and `source` name it only where it came from; the log gives new ones.
 * @throws ProblemError `invalid-event`
 */
export function fromCloudEvents(value: unknown, index: number): unknown {
  const fault = (path: string, message: string): ProblemError =>
    new ProblemError('invalid-event', `Event ${index}, ${path}: ${message}.`, {
      errors: [{ event: index, path, message }],
    })
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fault('', 'must be a CloudEvent')
  const event = value as Readonly<Record<string, unknown>>
  if (event['specversion'] !== '1.0') throw fault('/specversion', 'must be "1.0"')
  if (typeof event['id'] !== 'string' || event['id'] === '') throw fault('/id', 'must be a string that is not empty')
  if (typeof event['source'] !== 'string' || event['source'] === '') throw fault('/source', 'must be a URI reference')
  if (event['data_base64'] !== undefined) throw fault('/data_base64', 'is not supported; send JSON in data')
  const { type, data, subject, time } = event
  return {
    type,
    ...(data !== undefined && { data }),
    ...(subject !== undefined && { key: subject }),
    ...(time !== undefined && { timestamp: time }),
  }
}
