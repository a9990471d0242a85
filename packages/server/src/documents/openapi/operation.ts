/** Operations of the server's own routes, which differ in little but their words and answers. */
import type { JsonSchema } from '@watchpost/core'
import type { Building, Node } from './building.ts'
import { json } from './media.ts'
import type { OperationName } from './operations.ts'
import type { Parameter } from './parameters.ts'
import { headersNamed } from './responses.ts'
import { securityOf } from './security.ts'

/** How an operation is told of. */
export interface Told {
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly text: string
  /** Its row of the problems that it can answer. */
  readonly row: OperationName
  /** Who may send it; `holders` have credentials that are no ticket, and nobody is asked where these are not looked at. */
  readonly may: 'anyone' | 'identities' | 'holders' | 'unasked'
  readonly parameters?: readonly Parameter[]
  readonly answers: Node
}

/** An operation, with the problems of its row. */
export function operation({ documented, problems }: Building, told: Told): Node {
  const { id, tag, summary, text, row, may, parameters, answers } = told
  return {
    ...{ operationId: id, tags: [tag], summary, description: text },
    security: may === 'unasked' ? [] : securityOf(documented, may),
    ...(parameters && { parameters }),
    responses: { ...answers, ...problems.of(row) },
  }
}

/** An answer of JSON that nothing keeps. */
export const answer = (description: string, schema: JsonSchema): Node => ({
  description,
  headers: headersNamed('CacheControl'),
  content: json(schema),
})
