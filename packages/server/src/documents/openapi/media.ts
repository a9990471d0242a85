/** Contents of requests and answers by media type. Streams are told of as each version of OpenAPI can. */
import type { JsonSchema } from '@watchpost/core'
import { listOf, refTo } from '../schemas.ts'
import type { Node } from './building.ts'

export type OpenApiVersion = '3.1' | '3.2'

export const json = (schema: JsonSchema, example?: unknown): Node => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
})

/** A page for people. */
export const HTML: Node = { 'text/html': { schema: { type: 'string' } } }

/** Media types of which a body is a sequence of items, not one value. */
export class Media {
  readonly #hasItems: boolean

  constructor(version: OpenApiVersion) {
    this.#hasItems = version === '3.2'
  }

  /** Server-Sent Events, each of which is described by `frame`. */
  eventStream(frame: JsonSchema, example: string): Node {
    return { 'text/event-stream': this.#sequence('text/event-stream', frame, example) }
  }

  /** JSON values, one in each line. */
  lines(item: JsonSchema, example: string | undefined): Node {
    return { 'application/x-ndjson': this.#sequence('application/x-ndjson', item, example) }
  }

  #sequence(type: string, item: JsonSchema, example: string | undefined): Node {
    // Before 3.2 the body can only be told of as the text that it is; what its parts are stands beside that.
    const described = this.#hasItems
      ? { itemSchema: item }
      : { schema: { type: 'string', contentMediaType: type, contentSchema: item } }
    if (example === undefined) return described
    return { ...described, ...(this.#hasItems ? { examples: { stream: { serializedValue: example } } } : { example }) }
  }
}

export const CLOUDEVENT = 'application/cloudevents+json'
export const CLOUDEVENTS = 'application/cloudevents-batch+json'

/** A page as CloudEvents. */
export const cloudEventsPage = (): Node => ({ [CLOUDEVENTS]: { schema: listOf(refTo('CloudEvent')) } })
