/** Looks again at the credentials of a request that has taken its time: they may have been withdrawn meanwhile. */
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import type { Exchange } from '../http/exchange.ts'
import { ANONYMOUS_SESSION } from './session.ts'

export const withdrawn = (): ProblemError =>
  new ProblemError('unauthorized', 'The credentials of this connection were withdrawn.')

/**
 * Gives the exchange the rights that its credentials have now.
 * @throws ProblemError `unauthorized`
 */
export function demandStillGood({ authenticator }: App, exchange: Exchange): void {
  if (exchange.session === ANONYMOUS_SESSION) return
  const session = authenticator?.current(exchange.session)
  if (session === undefined) throw withdrawn()
  exchange.session = session
}
