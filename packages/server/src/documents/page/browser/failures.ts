/** Shows what went wrong, louder than anything else. */
import { basePath, type Failure, Refused, thrown } from './api.ts'
import { make } from './dom.ts'
import { phrase } from './prose.ts'

/** What to do about those that a reader can do something about in the page. */
const REMEDIES: Readonly<Record<string, string>> = {
  '/problems/token-expired': 'Give new credentials, at the top of this section.',
  '/problems/unauthorized': 'Give credentials, at the top of this section.',
}

/** The name of a problem, such as `token-expired`. */
export const nameOf = (type: string): string => type.replace('/problems/', '')

/** Shows a failure in an element that alerts, with a link to the page of the problem. */
export function showFailure(into: HTMLElement, { type, status, words }: Failure): void {
  const name = type && make('a', { href: `${basePath}${type}` }, make('code', {}, nameOf(type)))
  const head = [status === undefined ? undefined : `${status} `, name || undefined]
  const remedy = type && REMEDIES[type]
  into.replaceChildren(
    make('strong', {}, ...(name || status !== undefined ? head : ['It failed'])),
    make('p', {}, ...phrase(words)),
    ...(remedy ? [make('p', {}, remedy)] : []),
  )
  into.hidden = false
}

/** Shows what was caught. */
export const showCaught = (into: HTMLElement, error: unknown): void =>
  showFailure(into, error instanceof Refused ? error.failure : thrown(error))

/** Takes it away again. */
export function clearFailure(into: HTMLElement): void {
  into.hidden = true
  into.replaceChildren()
}
