/** All feeds, each going on where the log says that it stopped. */
import type { Watchpost } from 'watchpost'
import type { Topics } from '../config.ts'
import { countDone, lastEvents } from '../history.ts'
import { hostSampler } from './host.ts'
import { everyMs, play } from './play.ts'
import { isSameQuake, type Quake } from './quakes.ts'
import { isSamePrice, type PriceUpdate } from './stocks.ts'

/** Slow enough to watch: two minutes of prices, three and a half of quakes. */
const DEFAULT_PACE = { stocks: 4, quakes: 8 }

const SAMPLE_EVERY_MS = 1_000

export interface Feeding {
  readonly watchpost: Watchpost<Topics>
  readonly prices: readonly PriceUpdate[]
  readonly quakes: readonly Quake[]
  readonly recordsPerSecond: number | undefined
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/** Feeds until aborted; data sets are played once, measurements never end. */
export async function feed({ watchpost, prices, quakes, recordsPerSecond, signal, say }: Feeding): Promise<void> {
  const sample = hostSampler()
  const publishSample = () => watchpost.publish('host', { type: 'sample', data: sample() })
  const { events } = await publishSample()
  const last = await lastEvents(watchpost, events[0]?.id ?? '')

  const playAll = async <T>(
    topic: 'stocks' | 'quakes',
    records: readonly T[],
    done: number,
    publish: (records: readonly T[]) => Promise<unknown>,
  ): Promise<void> => {
    const pace = recordsPerSecond ?? DEFAULT_PACE[topic]
    if (done < records.length) say(`${topic}: from record ${done + 1} of ${records.length} on, ${pace} per second`)
    const ended = await play({ records, done, recordsPerSecond: pace, publish, signal })
    if (ended) say(`${topic}: all ${records.length} records are in the log; another --data-dir plays them again`)
  }
  await Promise.all([
    everyMs(SAMPLE_EVERY_MS, publishSample, signal),
    playAll('stocks', prices, countDone(prices, last.stocks, isSamePrice), (batch) =>
      watchpost.publish('stocks', batch),
    ),
    playAll('quakes', quakes, countDone(quakes, last.quakes, isSameQuake), (batch) =>
      watchpost.publish('quakes', batch),
    ),
  ])
}
