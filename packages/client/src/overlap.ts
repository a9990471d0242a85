/** Whether two watches can be carried together. */
import { isExact, matchesFilter } from './protocol.ts'

/**
 * Whether there may be a topic that both filters match. It is wrong only on the safe side, for some pairs of wildcards
 * that begin alike: they get a connection each, as they would if they overlapped.
 */
export function mayOverlap(a: string, b: string): boolean {
  if (isExact(a)) return matchesFilter(b, a)
  if (isExact(b)) return matchesFilter(a, b)
  const others = b.split('/')
  for (const [i, segment] of a.split('/').entries()) {
    const other = others[i]
    if (other === undefined || !isExact(segment) || !isExact(other)) return true
    if (segment !== other) return false
  }
  return true
}
