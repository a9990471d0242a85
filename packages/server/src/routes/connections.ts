/** Who is connected, for admins, and connections whose credentials change or that are to end [WP-3.16]. */
import { formatTimestamp, ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { actorOf } from '../audit.ts'
import { isSameHolder } from '../auth/session.ts'
import type { Open } from '../http/connections.ts'
import type { Exchange } from '../http/exchange.ts'
import { limitOf, serialOf, subjectOf } from '../http/query.ts'

/** @throws ProblemError `unauthorized` or `forbidden` */
export function demandAdmin({ identity }: Exchange): void {
  if (identity.grants.admin) return
  throw identity.subject === undefined
    ? new ProblemError('unauthorized', 'This is for admins; send credentials that grant it.')
    : new ProblemError('forbidden', 'This is for admins; your credentials do not grant it.')
}

/** @throws ProblemError `unauthorized`, `forbidden` or `invalid-parameter` */
export function listConnections(app: App, exchange: Exchange): void {
  demandAdmin(exchange)
  const limit = limitOf(exchange, app.limits)
  const after = serialOf(exchange)
  const rest = opensOf(app, subjectOf(exchange)).filter(({ serial }) => serial > after)
  const shown = rest.slice(0, limit)
  const last = rest.length > limit ? shown.at(-1) : undefined
  exchange.json(200, JSON.stringify({ connections: shown.map(describe), ...(last && { next: String(last.serial) }) }))
}

/** @throws ProblemError `unauthorized`, `forbidden` or `not-found` */
export function cutConnection(app: App, exchange: Exchange, id: string): void {
  demandAdmin(exchange)
  const connection = app.connections.find(id)
  if (connection === undefined) throw notFound()
  connection.end(cutByAdmin(), 'cut')
  app.audit.note('cut', actorOf(app, exchange), { connection: id, connections: 1 })
  exchange.send(204, '', {})
}

/** @throws ProblemError `unauthorized`, `forbidden` or `invalid-parameter` */
export function cutConnectionsOf(app: App, exchange: Exchange): void {
  demandAdmin(exchange)
  const subject = subjectOf(exchange)
  if (subject === undefined) {
    throw new ProblemError('invalid-parameter', 'Parameter subject: name whose connections are to be cut.')
  }
  const opens = opensOf(app, subject)
  for (const { connection } of opens) connection.end(cutByAdmin(), 'cut')
  app.audit.note('cut', actorOf(app, exchange), { of: subject, connections: opens.length })
  exchange.json(200, JSON.stringify({ cut: opens.length }))
}

/**
 * Gives a connection of the same holder the credentials of this request [WP-6.7].
 * @throws ProblemError `unauthorized`, `forbidden` or `not-found`
 */
export function renewConnection(app: App, exchange: Exchange, id: string): void {
  const { session } = exchange
  if (session.identity.subject === undefined) {
    throw new ProblemError('unauthorized', 'Send the new token in Authorization.')
  }
  const connection = app.connections.find(id)
  // Whether there is such a connection is nobody's business but its holder's.
  if (connection === undefined || !isSameHolder(connection.session, session)) throw notFound()
  connection.renew(session)
  const { expiresMs } = session
  exchange.json(200, JSON.stringify(expiresMs === undefined ? {} : { expires: formatTimestamp(expiresMs) }))
}

const opensOf = ({ connections }: App, subject: string | undefined): readonly Open[] => {
  const all = connections.list()
  return subject === undefined ? all : all.filter(({ connection }) => connection.session.identity.subject === subject)
}

function describe({ id, connection, sinceMs }: Open): object {
  const { transport, address, filters, bufferedBytes, session } = connection
  const { identity, expiresMs } = session
  return {
    ...{ id, transport, subject: identity.subject, issuer: identity.claims['iss'], address },
    since: formatTimestamp(sinceMs),
    ...(expiresMs !== undefined && { expires: formatTimestamp(expiresMs) }),
    ...{ topics: filters, bufferedBytes },
  }
}

const cutByAdmin = (): ProblemError => new ProblemError('forbidden', 'An admin ended this connection.')

const notFound = (): ProblemError => new ProblemError('not-found', 'There is no such connection, or it is not yours.')
