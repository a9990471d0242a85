/** What can be published and watched: one topic, whose state is the board. */
import { type Config, defineConfig, topic } from 'watchpost'
import { z } from 'zod'

type Topics = typeof topics

/** What the client takes its types from. */
export interface Server {
  readonly topics: Topics
}

/** Where somebody points: from 0, left and top of the board, to 1. */
export type Pointer = z.infer<typeof pointer>

const pointer = z.strictObject({
  id: z.string().min(1).max(36),
  name: z.string().max(20),
  hue: z.number().min(0).max(360),
  x: z.number().min(0).max(1),
  y: z.number().min(0).max(1),
})

const topics = {
  board: topic({
    description: 'A board of notes. Its state is a set of Yjs updates, which together make the document.',
    events: {
      /** Keys are of no meaning: any updates can be replaced by one that holds the same, under a key of its own. */
      update: z.strictObject({ id: z.string().min(1).max(36), bytes: z.string().regex(/^[A-Za-z0-9+/]*={0,2}$/) }),
      pointer: { ephemeral: true, schema: pointer },
    },
    key: '/id',
    presence: true,
    // Of the log only what a short absence needs; who is away for longer is given the state.
    retention: { events: 500 },
    watch: 'anyone',
    publish: 'anyone',
  }),
}

/** The configuration, with its log in `dataDir`. */
export const configIn = (dataDir: string): Config<Topics> =>
  // The whole board can be one update; and whoever is cut off should soon see it.
  defineConfig({ topics, dataDir, limits: { eventBytesMax: 1_048_576 }, heartbeatMs: 2_000, logLevel: 'warn' })
