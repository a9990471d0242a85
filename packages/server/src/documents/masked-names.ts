/** What is masked, by what begins the way to it; and whether a part of a schema can have to do with it. */
import type { Masked } from '@watchpost/core'

/** The first tokens of what is masked at a place. */
export interface Heads {
  readonly named: readonly string[]
  /** Those that are masked whole. */
  readonly gone: readonly string[]
  /** Those that can be the place of an element. */
  readonly places: readonly string[]
}

export function headsOf(masked: Masked): Heads {
  const named = [...new Set(masked.flatMap((tokens) => tokens.slice(0, 1)))]
  return {
    named,
    gone: named.filter((name) => isAll(below(masked, name))),
    places: named.filter((name) => /^(?:0|[1-9]\d*)$/.test(name)),
  }
}

/** What is masked of a member or an element. */
export const below = (masked: Masked, name: string): Masked =>
  masked.filter(([first]) => first === name).map((tokens) => tokens.slice(1))

/** Whether nothing is left. */
export const isAll = (masked: Masked): boolean => masked.some((tokens) => tokens.length === 0)

/** A list of names without some; no keyword if that leaves none. */
export function without(keyword: string, names: unknown, gone: readonly string[]): Readonly<Record<string, unknown>> {
  const left = (names as readonly string[]).filter((name) => !gone.includes(name))
  return left.length === 0 ? {} : { [keyword]: left }
}

/** Keywords that are about members and elements that they do not name, and those that lead elsewhere. */
const WHOLE =
  /"(?:\$ref|(?:additional|unevaluated|pattern|min|max)Properties|propertyNames|(?:prefix|unevaluated)?[iI]tems|contains|uniqueItems)":/

/** Whether a part of a schema can decide otherwise without members of these names. */
export function isAffected(part: unknown, names: readonly string[]): boolean {
  const text = JSON.stringify(part) ?? ''
  return names.length > 0 && (WHOLE.test(text) || names.some((name) => text.includes(JSON.stringify(name))))
}
