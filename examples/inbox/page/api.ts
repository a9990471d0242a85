/** Asks the application's API. */
import type { WatchedEvent } from '@watchpost/client'
import type { Topics } from '../src/config.ts'

export interface Server {
  topics: Topics
}

export type InboxEvent = WatchedEvent<Server, `inbox/${string}`>

export type NotificationEvent = Extract<InboxEvent, { readonly type: 'notification' }>

export interface Session {
  readonly users: readonly string[]
  readonly user?: string
}

/** @throws Error whose message is for whoever looks at the page */
export async function ask<Body>(method: 'GET' | 'POST' | 'DELETE', url: string, body?: object): Promise<Body> {
  const response = await fetch(url, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  }).catch(() => undefined)
  if (response === undefined) throw new Error("The server can't be reached. Try again in a moment.")
  if (response.status === 204) return undefined as Body
  const answer = (await response.json()) as Body & { readonly detail?: string }
  if (!response.ok) throw new Error(answer.detail ?? `The server answered ${response.status}.`)
  return answer
}
