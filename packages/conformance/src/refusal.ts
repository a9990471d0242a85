/** What a server says no with: a problem document [WP-5.2], or an error message [WP-1.4]. */

export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** Such as `/problems/unknown-topic` [WP-5.1]. */
  readonly problem: string
  /** The HTTP status; `undefined` if it came as a message. */
  readonly status: number | undefined
  /** The whole document, or the `error` of the message. */
  readonly members: Readonly<Record<string, unknown>>

  constructor(status: number | undefined, members: Readonly<Record<string, unknown>>) {
    super(`${String(members['type'])}: ${String(members['detail'] ?? members['message'])}`)
    this.problem = String(members['type'])
    this.status = status
    this.members = members
  }
}

/**
 * The refusal in an answer's body.
 * @throws Error if the body is no problem document
 */
export function refusalOf(status: number, contentType: string | null | undefined, body: string): Refusal {
  if (!/^application\/problem\+json\b/.test(contentType ?? '')) {
    throw new Error(`an answer with status ${status} must be application/problem+json, not ${contentType}: ${body}`)
  }
  return new Refusal(status, JSON.parse(body) as Record<string, unknown>)
}
