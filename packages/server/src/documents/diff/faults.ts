/** Why values of one schema may be none of another. */
import type { TypeName } from './keywords.ts'

/**
 * Who asks, since each passes over something. Watchers ignore members that they do not know, so it is nothing to them that
 * there may be some. Publishers that sent a member before it had a meaning have to look for themselves what it means now.
 */
export type Side = 'watchers' | 'publishers'

/** Why a value of the inner schema may be none of the outer one. `path` is a JSON Pointer; `*` stands for any member. */
export type Fault = { readonly path: string } & (
  | { readonly kind: 'type'; readonly type: TypeName; readonly allowed: readonly TypeName[] }
  /** The inner one has this value, or any value of the type; the outer one only those of a list. */
  | { readonly kind: 'value'; readonly value: unknown; readonly allowed: readonly unknown[] }
  | { readonly kind: 'any value'; readonly type: TypeName; readonly allowed: readonly unknown[] }
  /** The outer one asks for it, and the inner one does not. */
  | { readonly kind: 'required'; readonly name: string }
  /** The outer one has no member of the name, and the inner one does. */
  | { readonly kind: 'unnamed'; readonly name: string }
  /** The outer one has no members beside those it names, and the inner one can have any. */
  | { readonly kind: 'closed' }
  /** The inner one does not say what a member is that the outer one describes. */
  | { readonly kind: 'undescribed'; readonly name: string }
  | { readonly kind: 'bound'; readonly keyword: string; readonly inner: number | undefined; readonly outer: number }
  /** The outer one has a keyword that the inner one does not have; or has otherwise, so that it can't be told. */
  | { readonly kind: 'rule'; readonly keyword: string; readonly isUnsure: boolean }
  /** They can't be compared, for a reason that is the rest of a sentence. */
  | { readonly kind: 'unclear'; readonly reason: string }
)

/** More faults than these are not told one by one. */
const FAULTS_MAX = 100

/** The same faults, below a member. */
export function below(faults: readonly Fault[], name: string): readonly Fault[] {
  const token = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
  return faults.map((fault) => ({ ...fault, path: `${token}${fault.path}` }))
}

/** Each fault once, and no more than can be told. */
export function distinct(faults: readonly Fault[]): readonly Fault[] {
  const byText = new Map(faults.map((fault) => [JSON.stringify(fault), fault]))
  return [...byText.values()].slice(0, FAULTS_MAX)
}
