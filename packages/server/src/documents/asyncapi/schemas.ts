/** The schemas of a document: those of all documents, those of topics, and those that are made on the way. */
import type { JsonSchema } from '@watchpost/core'
import type { Documented } from '../documented.ts'
import type { Steps } from '../members.ts'
import { messageSchemas } from '../messages.ts'
import { Names } from '../names.ts'
import { problemSchemas } from '../problems.ts'
import { listOf, open, refTo, type Schemas } from '../schemas.ts'
import { type TopicSchemas, topicSchemas } from '../topics.ts'

/** What POST answers [WP-3.9]. */
const RECEIPT = 'Receipt'

/** All schemas that the document can refer to, by their names. */
export class DocumentSchemas {
  /** What the topics are described by. */
  readonly topics: readonly TopicSchemas[]
  readonly #all: Record<string, JsonSchema>
  readonly #names: Names

  /** Makes them of what is documented. */
  static *of({ limits, topics }: Documented): Steps<DocumentSchemas> {
    const common = {
      ...{ ...messageSchemas(limits), ...problemSchemas() },
      [RECEIPT]: open('What was published, in order; all of it is durable.', {
        events: listOf(open('', { 'id?': refTo('Cursor'), timestamp: refTo('Timestamp') })),
      }),
    }
    const described = yield* topicSchemas(topics, Object.keys(common))
    return new DocumentSchemas(described.topics, { ...common, ...described.schemas })
  }

  private constructor(topics: readonly TopicSchemas[], all: Schemas) {
    this.topics = topics
    this.#all = { ...all }
    this.#names = new Names(Object.keys(all))
  }

  get all(): Schemas {
    return this.#all
  }

  /** The name of what POST answers. */
  get receipt(): string {
    return RECEIPT
  }

  /** Adds a schema under a name like the wished one; answers the name that it got. */
  readonly add = (wished: string, schema: JsonSchema): string => {
    const { name } = this.#names.nameOf(wished, JSON.stringify(schema))
    this.#all[name] = schema
    return name
  }
}
