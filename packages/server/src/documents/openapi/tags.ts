/** What operations are grouped by: each topic definition is a tag, and so is each part of the server's own. */
import type { Documented } from '../documented.ts'
import { asksWho } from './security.ts'

/** The server's own, in this order behind the topics, and what they are about. */
const OWN_TAGS = {
  'All topics': 'What is not about one topic definition.',
  Connections: 'Tickets, and who is connected.',
  Problems: 'What can go wrong.',
  Documents: 'What tells of the API.',
  Operators: 'Draining, and how the server is.',
} as const

/** The names of those that have operations, and what they are about. */
export const ownTags = (documented: Documented): readonly (readonly [name: string, description: string])[] =>
  Object.entries(OWN_TAGS).filter(([name]) => {
    if (name === 'Connections') return asksWho(documented)
    return name !== 'Operators' || documented.probes || asksWho(documented)
  })

/** The tag of a topic. One that is called like an own tag gets another, which no topic has since there is a space in it. */
export const tagOf = (template: string): string => (Object.hasOwn(OWN_TAGS, template) ? `Topic ${template}` : template)
