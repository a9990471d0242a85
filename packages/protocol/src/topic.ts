/**
 * Topic names, templates and filters [WP-3.3]. A topic is a path of segments; a template has `{name}` segments, each of
 * which stands for any one segment; a filter has `*` for any one segment and `**` for any number of them, none included.
 */

const SEGMENT = /^[A-Za-z0-9._~$@:+=,!-]+$/
const PARAMETER = /^\{([A-Za-z][A-Za-z0-9_]*)\}$/

export interface TopicBounds {
  readonly topicBytesMax: number
  readonly topicSegmentsMax: number
}

/** Why a text is no topic, in words for whoever sent it; `undefined` if it is one. */
export function topicFault(topic: string, bounds: TopicBounds): string | undefined {
  return pathFault(topic, bounds, (segment) => isName(segment))
}

/** Why a text is no topic filter; `undefined` if it is one. */
export function filterFault(filter: string, bounds: TopicBounds): string | undefined {
  return pathFault(filter, bounds, (segment) => segment === '*' || segment === '**' || isName(segment))
}

/** Why a text is no template; `undefined` if it is one. Names that begin with `$` are the server's own [WP-9.2]. */
export function templateFault(template: string, bounds: TopicBounds): string | undefined {
  if (template.startsWith('$')) return 'topics that begin with "$" are the server\'s own'
  const names = template.split('/').flatMap((segment) => PARAMETER.exec(segment)?.[1] ?? [])
  if (new Set(names).size < names.length) return 'each {parameter} needs a name of its own'
  return pathFault(template, bounds, (segment) => PARAMETER.test(segment) || isName(segment))
}

// "." and ".." are excluded because URL libraries resolve them away before the request is sent.
const isName = (segment: string): boolean => SEGMENT.test(segment) && segment !== '.' && segment !== '..'

function pathFault(path: string, bounds: TopicBounds, allowed: (segment: string) => boolean): string | undefined {
  if (path.length > bounds.topicBytesMax) return `longer than ${bounds.topicBytesMax} bytes`
  const segments = path.split('/')
  if (segments.length > bounds.topicSegmentsMax) return `more than ${bounds.topicSegmentsMax} segments`
  const bad = segments.find((segment) => !allowed(segment))
  if (bad === undefined) return undefined
  return bad === ''
    ? 'a segment is empty'
    : `segment ${JSON.stringify(bad)} may hold only letters, digits and . _ ~ $ @ : + = , ! -`
}

/** Whether a filter is a plain topic, so that it can match only itself. */
export const isExact = (filter: string): boolean => !filter.includes('*')

/** The literal text that every topic matched by a filter begins with. */
export const literalPrefix = (filter: string): string => {
  const star = filter.indexOf('*')
  if (star < 0) return filter
  // `a/**` also matches `a`, so the slash before a double star is not part of what all matches share.
  return filter.startsWith('**', star) ? filter.slice(0, Math.max(0, star - 1)) : filter.slice(0, star)
}

/** Whether a filter matches a topic. Wildcards never reach into the server's own `$` topics [WP-3.3]. */
export function matchesFilter(filter: string, topic: string): boolean {
  if (isExact(filter)) return filter === topic
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  return matchSegments(filter.split('/'), topic.split('/'))
}

/**
 * The greedy match with one point of return per `**`: when a segment fails, the latest `**` takes one segment more.
 * That is enough, since what an earlier `**` could take, the latest can take too; so the cost is a product, not a power.
 */
function matchSegments(pattern: readonly string[], path: readonly string[]): boolean {
  let at = 0
  let returnTo = -1
  let taken = 0
  let i = 0
  while (i < path.length) {
    if (pattern[at] === '**') {
      returnTo = at++
      taken = i
    } else if (at < pattern.length && (pattern[at] === '*' || pattern[at] === path[i])) {
      at++
      i++
    } else if (returnTo >= 0) {
      at = returnTo + 1
      i = ++taken
    } else {
      return false
    }
  }
  while (pattern[at] === '**') at++
  return at === pattern.length
}

/** Whether there can be a topic that both filters match. */
export function filtersOverlap(a: string, b: string): boolean {
  // Of a `$` topic the first segment is never matched by a wildcard, unless the filter begins with `$` itself.
  if (a.startsWith('$') !== b.startsWith('$')) return false
  if (isExact(a)) return matchesFilter(b, a)
  if (isExact(b)) return matchesFilter(a, b)
  const [left, right] = [overlapSegments(a), overlapSegments(b)]
  // overlaps[j]: whether the rest of `left` overlaps what of `right` begins at j; made from the end of `left` on.
  let overlaps = Array.from({ length: right.length + 1 }, (_, j) => right.slice(j).every((segment) => segment === '**'))
  for (const segment of left.reverse()) {
    const after = overlaps
    overlaps = after.map(() => false)
    overlaps[right.length] = segment === '**' && after[right.length] === true
    for (let j = right.length - 1; j >= 0; j--) {
      const other = right[j] as string
      const takesNone = (segment === '**' && after[j]) || (other === '**' && overlaps[j + 1])
      const takesOne =
        segment === '**' ? overlaps[j + 1] : other === '**' ? after[j] : isAlike(segment, other) && after[j + 1]
      overlaps[j] = takesNone === true || takesOne === true
    }
  }
  return overlaps[0] === true
}

/** The segments of a filter; of `**` before a `$` segment, which is not the first of any topic, one is `*`. */
const overlapSegments = (filter: string): string[] => filter.replace(/^(?=(?:\*\*\/)+\$)/, '*/').split('/')

const isAlike = (a: string, b: string): boolean => a === b || a === '*' || b === '*'

/**
 * The parameters of a topic under a template, or `undefined` if it is not one of the template's topics. A parameter never
 * stands for the first segment of one of the server's own `$` topics [WP-9.2].
 */
export function matchTemplate(template: string, topic: string): Record<string, string> | undefined {
  const pattern = template.split('/')
  const path = topic.split('/')
  if (topic.startsWith('$') && !template.startsWith('$')) return undefined
  if (pattern.length !== path.length) return undefined
  const params: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [i, segment] of pattern.entries()) {
    const value = path[i] as string
    const name = PARAMETER.exec(segment)?.[1]
    // A topic's name stands unescaped in its events, so what is no name may not pass for one, whoever else checks it.
    if (name === undefined ? segment !== value : !isName(value)) return undefined
    if (name !== undefined) params[name] = value
  }
  return params
}

/**
 * Orders templates so that the first match is the most literal one: of those with as many segments, which alone can have
 * a topic in common, the one that has a literal where the other first has a parameter comes first.
 */
export function compareTemplates(a: string, b: string): number {
  const left = a.split('/')
  const right = b.split('/')
  // Without this the rest would be no order: by text, `z` lies between `a/{x}` and `~/b`, which differ in kind.
  if (left.length !== right.length) return left.length - right.length
  for (let i = 0; i < left.length; i++) {
    const difference = Number(PARAMETER.test(left[i] ?? '')) - Number(PARAMETER.test(right[i] ?? ''))
    if (difference !== 0) return difference
  }
  return a < b ? -1 : Number(a > b)
}
