/** Which topic definitions of two documents are about the same topics. */
import { compareTemplates } from '@watchpost/protocol'

/** Topics that a definition of the one document is about, and one of the other. */
export interface Shared {
  /** The template of these topics. */
  readonly template: string
  readonly before: string
  readonly after: string
}

const isParameter = (segment: string): boolean => segment.startsWith('{')

/** The template of the topics that both stand for, if there are any. */
function common(one: string, other: string): string | undefined {
  const [some, others] = [one.split('/'), other.split('/')]
  if (some.length !== others.length) return undefined
  const segments = some.map((segment, i) => {
    const [left, right] = [segment, others[i] ?? '']
    if (isParameter(left)) return isParameter(right) ? left : right
    return isParameter(right) || left === right ? left : undefined
  })
  return segments.includes(undefined) ? undefined : segments.join('/')
}

/** Whether all topics of the other template are topics of the one. */
const covers = (one: string, other: string): boolean =>
  one.split('/').length === other.split('/').length &&
  one.split('/').every((segment, i) => isParameter(segment) || segment === other.split('/')[i])

/** Whether a template stands for nothing that others do not stand for. */
export const isCovered = (template: string, others: Iterable<string>): boolean =>
  [...others].some((other) => covers(other, template))

/** All pairs of definitions by which some topic was described before and is now; of several, the first one describes it. */
export function shared(before: readonly string[], after: readonly string[]): readonly Shared[] {
  const isFirst = (template: string, of: string, all: readonly string[]): boolean =>
    !all.some((other) => other !== of && compareTemplates(other, of) < 0 && covers(other, template))
  return before.flatMap((old) =>
    after.flatMap((current): readonly Shared[] => {
      const template = common(old, current)
      if (template === undefined) return []
      const isGoverned = isFirst(template, old, before) && isFirst(template, current, after)
      return isGoverned ? [{ template, before: old, after: current }] : []
    }),
  )
}
