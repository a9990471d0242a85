/** That a topic is to end: what a definition says of it, checked. */
import { normalizeTimestamp, type TopicBounds, templateFault } from '@watchpost/protocol'
import { DefinitionError } from './definition-error.ts'

/** That a topic is to end. Times are RFC 3339. */
export interface Deprecation {
  /** From when on nobody should begin to use it. */
  readonly since: string
  /** When it may be gone; after `since`. */
  readonly sunset?: string
  /** The topic or template to use in its place. One of its parameters stands for what it does in the template itself. */
  readonly use?: string
}

/**
 * Brings its times to the form of the wire.
 * @throws DefinitionError for times that are none, and for a successor that could not be one
 */
export function compileDeprecation(
  template: string,
  { since, sunset, use }: Deprecation,
  bounds: TopicBounds,
): Deprecation {
  const place = `topic "${template}": \`deprecated`
  const timeOf = (name: string, text: string): string => {
    const time = normalizeTimestamp(text)
    if (time !== undefined) return time
    throw new DefinitionError(`${place}.${name}\` must be an RFC 3339 time, such as "2026-11-22T12:00:00Z"`)
  }
  const from = timeOf('since', since)
  const until = sunset === undefined ? undefined : timeOf('sunset', sunset)
  // Both have the one form of the wire, in which later times are greater texts.
  if (until !== undefined && until <= from) throw new DefinitionError(`${place}.sunset\` must be after \`since\``)
  if (use !== undefined) demandSuccessor(template, use, bounds)
  return { since: from, ...(until !== undefined && { sunset: until }), ...(use !== undefined && { use }) }
}

/** Whether clients that know a topic of the template can know its successor too. */
function demandSuccessor(template: string, use: string, bounds: TopicBounds): void {
  const place = `topic "${template}": \`deprecated.use\``
  const fault = templateFault(use, bounds)
  if (fault !== undefined) throw new DefinitionError(`${place}: ${fault}`)
  if (use === template) throw new DefinitionError(`${place} names the topic itself; name the one that takes its place`)
  const unknown = parametersOf(use).find((parameter) => !parametersOf(template).includes(parameter))
  if (unknown === undefined) return
  throw new DefinitionError(`${place} has ${unknown}, which is no parameter of the template`)
}

/** The parameters of a template, with their braces. */
const parametersOf = (template: string): readonly string[] => template.match(/\{[^/]*\}/g) ?? []
