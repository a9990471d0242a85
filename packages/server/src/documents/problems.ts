/** The JSON Schemas of problems [WP-5.2], one for each row of the table. */
import type { JsonSchema } from '@watchpost/core'
import { PROBLEMS, type ProblemName, problemType } from '@watchpost/protocol'
import { listOf, open, refTo, type Schemas, wholeFrom } from './schemas.ts'

export const PROBLEM_NAMES: readonly ProblemName[] = Object.keys(PROBLEMS) as ProblemName[]

/** The values that `type` of a problem can have. */
export const problemTypes = (): readonly string[] => PROBLEM_NAMES.map(problemType)

/** The name of a problem's schema, such as `UnknownTopicProblem`. */
export const problemSchemaName = (name: ProblemName): string =>
  `${name.replaceAll(/(?:^|-)([a-z])/g, (_match, letter: string) => letter.toUpperCase())}Problem`

/** What problems may carry beside what all have. Names end in `?`, as {@link open} takes them. */
export const problemMembers = (): Readonly<Record<string, JsonSchema>> => ({
  'errors?': listOf(refTo('EventFault'), { description: 'What is wrong with the events.' }),
  'earliest?': refTo('Cursor'),
  'state?': { type: 'string', description: 'The path of the state of the topic.' },
  'transports?': listOf(refTo('Transport')),
  'versions?': listOf({ type: 'string' }),
  'retryAfter?': { type: 'number', minimum: 0, description: 'Seconds.' },
})

/** Members that a problem always has. */
const ALWAYS: Partial<Record<ProblemName, readonly string[]>> = {
  'invalid-event': ['errors'],
  'cursor-expired': ['earliest'],
  'transport-not-offered': ['transports'],
  'unsupported-version': ['versions'],
}

/** The schemas of all problem documents, and those of their parts. */
export const problemSchemas = (): Schemas => ({
  EventFault: open('A fault of one event of a publish.', {
    event: { ...wholeFrom(0), description: 'Which event, counted from 0.' },
    path: { type: 'string', description: 'A JSON Pointer into the event.' },
    message: { type: 'string', description: 'For people.' },
  }),
  Transport: { enum: ['page', 'long-poll', 'sse', 'websocket'], description: 'A way to watch [WP-3.5].' },
  Problem: open('What went wrong (RFC 9457) [WP-5.2].', {
    type: { type: 'string', format: 'uri-reference', description: 'What it is; also the path of a page about it.' },
    title: { type: 'string' },
    status: wholeFrom(400, 599),
    detail: { type: 'string', description: 'For people.' },
    instance: { type: 'string', format: 'uri', description: "Names this occurrence in the server's log." },
    ...problemMembers(),
  }),
  ...Object.fromEntries(PROBLEM_NAMES.map((name) => [problemSchemaName(name), schemaOf(name)])),
})

function schemaOf(name: ProblemName): JsonSchema {
  const { title, status, when, fix } = PROBLEMS[name]
  return {
    title,
    description: `${when}\n\n${fix}`,
    allOf: [refTo('Problem')],
    type: 'object',
    required: ['type', 'title', 'status', ...(ALWAYS[name] ?? [])],
    properties: { type: { const: problemType(name) }, title: { const: title }, status: { const: status } },
  }
}
