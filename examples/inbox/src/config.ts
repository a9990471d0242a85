/** What an inbox holds, and who sees it. */
import { type AuthOptions, type Config, defineConfig, topic } from 'watchpost'
import { z } from 'zod'
import { hasEnded } from './session.ts'

export type Topics = typeof topics

/** What somebody is told. */
export const Notification = z.strictObject({
  from: z.string(),
  text: z.string().trim().min(1, 'Write something.').max(280, 'Write at most 280 characters.'),
})

/** Which notifications were read; `ids` are those of their events. */
export const Read = z.strictObject({ ids: z.array(z.string().max(64)).min(1).max(1_000) })

const topics = {
  'inbox/{user}': topic({
    description: 'What somebody was told, and what of it they have read',
    events: { notification: Notification, read: Read },
    retention: { events: 1_000 },
    // Nobody publishes by Watchpost's own routes: that is for the application, which knows who may tell whom.
    watch: ({ identity, params }) => identity.subject === params['user'] && !hasEnded(identity.claims['sid']),
  }),
}

/** The configuration, with its log in `dataDir`. `auth` says how Watchpost knows who is logged in. */
export const configIn = (dataDir: string, auth: AuthOptions): Config<Topics> =>
  defineConfig({ topics, dataDir, auth, logLevel: 'warn' })
