/** What can be said and watched here. Nobody may do anything but what their token grants, which is Watchpost's default. */
import { type Config, defineConfig, topic } from 'watchpost'
import { z } from 'zod'
import { MESSAGE_LENGTH_MAX } from './limits.ts'

type Topics = typeof topics

/** What the client takes its types from. */
export interface Server {
  readonly topics: Topics
}

const topics = {
  'chat/{room}': topic({
    description: 'A room: what it is for. Whoever watches it is in it.',
    events: { about: z.strictObject({ text: z.string() }) },
    presence: true,
    retention: { events: 1 },
  }),

  // An author is granted a topic of their own in each room, so the topic says for certain who wrote it.
  'chat/{room}/{author}': topic({
    description: 'What one author says in a room.',
    events: {
      message: z.strictObject({ text: z.string().trim().min(1).max(MESSAGE_LENGTH_MAX) }),
      typing: { ephemeral: true, schema: z.strictObject({}) },
    },
    retention: { events: 1_000 },
  }),
}

/** The configuration, with its log in `dataDir`. `secret` signs tokens, and checks them. */
export const configIn = (dataDir: string, secret: string): Config<Topics> =>
  defineConfig({
    topics,
    dataDir,
    // The clock that tokens are given out by is the one they are checked by. The desk relies on their ending in time.
    auth: { jwt: { secret, clockToleranceSeconds: 0 } },
    // Tokens live for a minute; ten seconds before that the client is told to bring another one.
    expiringMs: 10_000,
    logLevel: 'warn',
  })
