/** What can be watched here, and by whom. The fleet and the page take their types from it. */
import { type Config, defineConfig, topic } from 'watchpost'
import { z } from 'zod'
import { readLines } from './geography.ts'
import { namesOf } from './train.ts'

const order = z.enum(['go', 'slow', 'hold'])

export type Order = z.infer<typeof order>
export type Topics = typeof topics

/** The trains that there are. */
const trains = new Set((await readLines()).flatMap(namesOf))

const topics = {
  trains: topic({
    description: 'Where each train is, and what it does',
    events: {
      train: z.strictObject({
        train: z.string(),
        line: z.string(),
        longitude: z.number().min(-180).max(180),
        latitude: z.number().min(-90).max(90),
        kmh: z.number().nonnegative(),
        /** What it was told last, and the `id` of that command: this is how a train says that it obeys. */
        order,
        obeyed: z.string().optional(),
      }),
    },
    key: '/train',
    watch: 'anyone',
    retention: { ageMs: 10 * 60_000 },
  }),

  'commands/{train}': topic({
    description: 'What a train is told to do; it waits here for a train that is out of reach',
    events: { command: z.strictObject({ order }) },
    watch: 'granted',
    // Each topic that is published to is kept, so anyone may do that for the trains that there are, and no other names.
    publish: ({ params }) => trains.has(params['train'] ?? ''),
    retention: { ageMs: 24 * 3_600_000 },
  }),
}

/** The configuration, with its log in `dataDir`, and an API key for the fleet, known by its hash. */
export const configIn = (dataDir: string, fleetKeyHash: string): Config<Topics> =>
  defineConfig({
    topics,
    dataDir,
    auth: {
      apiKeys: [
        {
          id: 'fleet',
          hash: fleetKeyHash,
          subject: 'fleet',
          grants: { publish: ['trains'], watch: ['commands/*'] },
        },
      ],
    },
    logLevel: 'warn',
  })
