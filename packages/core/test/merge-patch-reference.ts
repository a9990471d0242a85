/** JSON Merge Patch as a client applies it: the pseudocode of RFC 7396, section 2, line by line. */
import type { Json } from '@watchpost/protocol'

type Members = Record<string, Json>

export const isObject = (value: Json | undefined): value is Readonly<Members> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function applyMergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  // Without a prototype, so that every name is one like any other.
  const result = Object.assign(Object.create(null) as Members, isObject(target) ? target : {})
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = applyMergePatch(Object.hasOwn(result, name) ? result[name] : undefined, value)
  }
  return result
}

/** A value as text in which the order of members makes no difference. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const members = Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`)
  return `{${members.sort().join(',')}}`
}
