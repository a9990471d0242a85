/** What can be watched here. The types of `data` flow from these schemas to the feed and into the page. */
import { type Config, defineConfig, topic } from 'watchpost'
import { z } from 'zod'

export type Topics = typeof topics

const topics = {
  ticker: topic({
    description: 'Monthly prices of five companies, 2000 to 2010, in US dollars, played again and again',
    events: {
      // `n` counts the prices from 0 on, so that whoever watches can see that none is missing and none came twice.
      price: z.strictObject({ n: z.int().nonnegative(), symbol: z.string().min(1), price: z.number().positive() }),
      // Which process publishes, and since when.
      started: z.strictObject({ pid: z.int().positive(), at: z.iso.datetime() }),
    },
    retention: { events: 10_000 },
    watch: 'anyone',
  }),
}

/** The configuration, with its log in `dataDir`. */
export const configIn = (dataDir: string): Config<Topics> => defineConfig({ topics, dataDir, logLevel: 'warn' })
