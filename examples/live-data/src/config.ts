/** What can be watched here, and by whom. The types of `data` flow from these schemas to `publish` and `watch`. */
import { type Config, defineConfig, topic } from 'watchpost'
import { z } from 'zod'

export type Topics = typeof topics

const topics = {
  stocks: topic({
    description: 'Monthly prices of five companies, 2000 to 2010, in US dollars',
    events: { priceUpdate: z.strictObject({ symbol: z.string().min(1), price: z.number().positive() }) },
    key: '/symbol',
    watch: 'anyone',
  }),

  quakes: topic({
    description: 'What the seismometers of the USGS network recorded in one week of 2018',
    events: {
      quake: z.strictObject({
        id: z.string().min(1),
        /** Mostly `earthquake`, but also `quarry blast`, `explosion` and the like. */
        kind: z.string(),
        place: z.string(),
        magnitude: z.number(),
        longitude: z.number().min(-180).max(180),
        latitude: z.number().min(-90).max(90),
        /** Below mean sea level, so a quake inside a mountain can have a negative one. */
        depthKm: z.number(),
      }),
    },
    watch: 'anyone',
  }),

  host: topic({
    description: 'Load, memory and CPU of the machine that runs this, every second',
    events: {
      sample: z.strictObject({
        /** Share of all cores that was busy since the sample before; `null` where the system does not tell. */
        cpuPercent: z.number().min(0).max(100).nullable(),
        cores: z.int().positive(),
        /** Processes that ran or waited to, averaged over a minute; Windows has no such figure. */
        load1m: z.number().nonnegative().nullable(),
        memoryUsedBytes: z.int().nonnegative(),
        memoryTotalBytes: z.int().positive(),
      }),
    },
    retention: { events: 3_600 },
    watch: 'anyone',
  }),

  notes: topic({
    description: 'Whatever visitors have to say',
    events: {
      note: z.strictObject({ text: z.string().trim().min(1).max(280), author: z.string().max(40).optional() }),
    },
    retention: { events: 500 },
    watch: 'anyone',
    publish: 'anyone',
  }),
}

/** The configuration, with its log in `dataDir`. */
export const configIn = (dataDir: string): Config<Topics> => defineConfig({ topics, dataDir, logLevel: 'warn' })
