/** The messages of a document, each there once and referred to by name. */
import type { JsonSchema } from '@watchpost/core'
import { Names } from '../names.ts'
import { refTo } from '../schemas.ts'

/** What is known of a message beside its name. */
export interface MessageParts {
  /** The `type` that it has on the wire. */
  readonly type: string
  readonly summary?: string
  /** The name of the schema of the whole message. */
  readonly schema: string
  readonly headers?: JsonSchema
  /** Default `application/json`. */
  readonly contentType?: string
  /** What ties a request and its answers together, by its name in `correlationIds`. */
  readonly correlation?: 'request' | 'answer'
  readonly deprecated?: boolean
  readonly bindings?: object
  readonly examples?: readonly { readonly payload: unknown; readonly headers?: object }[]
}

/** Collects messages; the same one is kept once, and names that mean several are told apart. */
export class Catalogue {
  readonly #names = new Names([])
  readonly #messages: Record<string, object> = {}

  /** Puts a message under a name like the wished one; answers the name that it got. */
  put(wished: string, parts: MessageParts): string {
    const {
      type,
      summary,
      schema,
      headers,
      contentType = 'application/json',
      correlation,
      deprecated,
      bindings,
      examples,
    } = parts
    const message = {
      name: type,
      title: type,
      ...(summary !== undefined && { summary }),
      contentType,
      ...(headers && { headers }),
      payload: refTo(schema),
      ...(correlation && { correlationId: { $ref: `#/components/correlationIds/${correlation}` } }),
      ...(deprecated === true && { deprecated }),
      ...(bindings && { bindings }),
      ...(examples && examples.length > 0 && { examples }),
    }
    const { name } = this.#names.nameOf(wished, JSON.stringify(message))
    this.#messages[name] = message
    return name
  }

  /** By their names. */
  get all(): Readonly<Record<string, object>> {
    return this.#messages
  }
}

/** The messages of a channel, by the names that they have in the catalogue. */
export const messagesOf = (names: readonly string[]): Readonly<Record<string, object>> =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }]))

/** Points to messages of a channel. */
export const inChannel = (channel: string, names: readonly string[]): readonly object[] =>
  names.map((name) => ({ $ref: `#/channels/${channel}/messages/${name}` }))
