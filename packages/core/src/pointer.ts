/** JSON Pointers (RFC 6901), as far as views and keys need them. */
import type { Json } from '@watchpost/protocol'

/** The unescaped tokens of a pointer, or `undefined` if the text is none. `""` is the whole value. */
export function parsePointer(text: string): readonly string[] | undefined {
  if (text === '') return []
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return undefined
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The pointer that leads along these tokens. */
export const pointerTo = (...tokens: readonly string[]): string =>
  tokens.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The value that a pointer's tokens lead to, or `undefined`. Only own members count. */
export function valueAt(value: Json, tokens: readonly string[]): Json | undefined {
  let at: Json | undefined = value
  for (const token of tokens) at = member(at, token)
  return at
}

function member(value: Json | undefined, token: string): Json | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value))
    return /^(?:0|[1-9]\d*)$/.test(token) ? (value as readonly Json[])[Number(token)] : undefined
  return Object.hasOwn(value, token) ? (value as Readonly<Record<string, Json>>)[token] : undefined
}

/** Pointers as a tree: `true` means all of what is there. */
interface Branch {
  readonly [token: string]: Branch | true
}

/** What a set of pointers keeps, compiled once per view. */
export type Projection = Branch | true

export function compileProjection(pointers: readonly (readonly string[])[]): Projection {
  const root: Record<string, Projection> = Object.create(null) as Record<string, Projection>
  for (const tokens of pointers) {
    if (tokens.length === 0) return true
    let at = root
    for (const [i, token] of tokens.entries()) {
      const known = at[token]
      if (known === true) break
      if (i === tokens.length - 1) at[token] = true
      else at = (known ?? (at[token] = Object.create(null) as Branch)) as Record<string, Projection>
    }
  }
  return root
}

/** Whether there can be anything selected in a value; below a text or a number there is nothing. */
const reaches = (value: Json, projection: Projection): boolean =>
  projection === true || (typeof value === 'object' && value !== null)

/** The selected members in their place; arrays keep the selected elements in order; data without members becomes `null` [WP-3.6]. */
export function project(value: Json, projection: Projection): Json {
  if (projection === true) return value
  if (typeof value !== 'object' || value === null) return null
  if (Array.isArray(value)) {
    return (value as readonly Json[]).flatMap((element, i) => {
      const branch = projection[i]
      return branch !== undefined && reaches(element, branch) ? [project(element, branch)] : []
    })
  }
  const kept: Record<string, Json> = {}
  for (const [name, branch] of Object.entries(projection)) {
    if (!Object.hasOwn(value, name)) continue
    const inside = (value as Readonly<Record<string, Json>>)[name] as Json
    if (!reaches(inside, branch)) continue
    const selected = project(inside, branch)
    // A plain assignment to `__proto__` would set the prototype instead of a member.
    Object.defineProperty(kept, name, { value: selected, enumerable: true, configurable: true, writable: true })
  }
  return kept
}
