/** JSON Merge Patch (RFC 7396), as far as deltas need it: what makes one value out of another. */
import type { Json } from '@watchpost/protocol'

type Members = Readonly<Record<string, Json>>

/**
 * The patch that makes `after` out of `before`, or `undefined` if there is none: a merge patch can't set a member to
 * `null`, which for it means to remove it, and what is no object it can only replace whole.
 */
export function mergePatch(before: Json, after: Json): Json | undefined {
  if (!isObject(before) || !isObject(after)) return undefined
  // Without a prototype, so that a member named `__proto__` is one like any other.
  const patch = Object.create(null) as Record<string, Json>
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) patch[name] = null
  for (const [name, value] of Object.entries(after)) {
    const old = Object.hasOwn(before, name) ? before[name] : undefined
    if (old !== undefined && isObject(old) && isObject(value)) {
      const inner = mergePatch(old, value)
      if (inner === undefined) return undefined
      if (Object.keys(inner as Members).length > 0) patch[name] = inner
    } else if (old === undefined || !isSame(old, value)) {
      if (removesMembers(value)) return undefined
      patch[name] = value
    }
  }
  return patch
}

const isObject = (value: Json): value is Members => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Of objects in arrays, the order of members counts too: then a patch is larger than it need be, and still right. */
const isSame = (a: Json, b: Json): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** Whether a patch that sets this value would remove something instead. Arrays are taken as they are. */
const removesMembers = (value: Json): boolean =>
  value === null || (isObject(value) && Object.values(value).some(removesMembers))
