/** Asserts that something is refused. */
import { fail, match, strictEqual } from 'node:assert/strict'
import { PROBLEMS, type ProblemName, problemType } from '@watchpost/protocol'
import { Refusal } from './refusal.ts'

/**
 * Asserts that an attempt is refused with a problem [WP-5.1], in the form that its transport has for it: as a document
 * with the status of the problem [WP-5.2], or as an error message [WP-1.4].
 * @returns the refusal
 */
export async function refuses(attempt: Promise<unknown>, problem: ProblemName, what: string): Promise<Refusal> {
  const refusal = await attempt.then(
    () => fail(`${what} must be refused with ${problem}`),
    (error: unknown) => error,
  )
  if (!(refusal instanceof Refusal)) throw refusal
  const { status, members } = refusal
  strictEqual(refusal.problem, problemType(problem), `${what}: ${refusal.message}`)
  if (status === undefined) {
    match(String(members['message']), /\S/)
  } else {
    strictEqual(status, PROBLEMS[problem].status)
    strictEqual(members['status'], status)
    for (const name of ['title', 'detail', 'instance']) match(String(members[name]), /\S/)
  }
  return refusal
}
