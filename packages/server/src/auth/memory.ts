/** What an authenticator remembers, and hands on to the one of another configuration that takes its place. */
import type { Clock } from '@watchpost/core'
import type { Logger } from 'pino'
import { PublishedKeys } from './jwks.ts'
import type { JwtIssuer } from './options.ts'
import { type RefusalParts, Refusals } from './refusals.ts'
import { Tickets } from './tickets.ts'

export interface Memory {
  readonly refusals: Refusals
  /** Whoever redeems one must look again at what it was given for. */
  readonly tickets: Tickets
  /** By the URLs that the issuers have. Were they fetched anew, an issuer that is down would shut everybody out. */
  readonly published: ReadonlyMap<string, PublishedKeys>
}

/** @param before of the authenticator that runs, if one does */
export function memoryOf(
  issuers: readonly JwtIssuer[],
  parts: RefusalParts & { readonly clock: Clock; readonly logger: Logger },
  before: Memory | undefined,
): Memory {
  const urls = issuers.flatMap(({ jwksUrl }) => jwksUrl ?? [])
  return {
    refusals: before?.refusals ?? new Refusals(parts),
    tickets: before?.tickets ?? new Tickets(parts.clock),
    published: new Map(urls.map((url) => [url, before?.published.get(url) ?? new PublishedKeys(url, parts)])),
  }
}
