/** Credentials that are refused: clients are told always the same, so that nothing helps in guessing; the log has why. */
import { ProblemError } from '@watchpost/protocol'

/** `message` is why, in words of our own: it goes to the log, so it holds nothing of the credentials. */
export class Refused extends Error {
  override readonly name = 'Refused'
  /** They were good once. */
  readonly isExpired: boolean

  constructor(reason: string, isExpired = false) {
    super(reason)
    this.isExpired = isExpired
  }
}

/** What the client is told. */
export const problemOf = (refused: Refused): ProblemError =>
  refused.isExpired
    ? new ProblemError('token-expired', 'The credentials have expired; send new ones.', {}, refused)
    : new ProblemError('unauthorized', 'The credentials are not valid.', {}, refused)

/**
 * The `WWW-Authenticate` of an answer 401 (RFC 6750, section 3): whether what was sent is no good, or nothing was sent
 * where something is needed.
 */
export const challengeOf = ({ cause, message }: ProblemError): string =>
  cause instanceof Refused ? `Bearer error="invalid_token", error_description="${message}"` : 'Bearer'
