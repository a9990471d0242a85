/**
 * The trains, as a process of its own: what a box of devices would run. It knows nothing of the server but a URL and an
 * API key; what it reported last is all that it needs to go on after it was ended.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientStorage, createClient } from '@watchpost/client'
import type { Topics } from './config.ts'
import { readLines } from './geography.ts'
import { type Train, trainsOf } from './train.ts'

const REPORT_EVERY_MS = 1_000

const [url = 'http://127.0.0.1:8080', folder = '.'] = process.argv.slice(2)

/** Keeps how far the commands were read: one file for each name. */
const storage: ClientStorage = {
  get: (name) => readFile(join(folder, encodeURIComponent(name)), 'utf8'),
  async set(name, value) {
    const file = join(folder, encodeURIComponent(name))
    await writeFile(`${file}.new`, value)
    await rename(`${file}.new`, file)
  },
}

const token = process.env['FLEET_KEY'] ?? ''
// One client is no stampede, so it need not wait for long before it looks whether the server is back.
const client = createClient<{ topics: Topics }>({ url, token, storage, backoffMsMax: 2_000 })

/** Publishes what trains say of themselves, all at once. */
async function report(trains: readonly Train[], withinMs: number): Promise<void> {
  try {
    const events = trains.map((train) => ({ type: 'train' as const, data: train.report() }))
    await client.publish('trains', events, { signal: AbortSignal.timeout(withinMs) })
  } catch (error) {
    // Whatever it was: the next report says more than this one would have.
    console.error(`fleet: not reported (${String(error)})`)
  }
}

async function run(trains: ReadonlyMap<string, Train>): Promise<void> {
  for (;;) {
    for (const train of trains.values()) train.move(REPORT_EVERY_MS / 1_000)
    await Promise.all([report([...trains.values()], 2 * REPORT_EVERY_MS), sleep(REPORT_EVERY_MS)])
  }
}

/** What trains are told, also while this was not running. */
async function listen(trains: ReadonlyMap<string, Train>): Promise<void> {
  for await (const event of client.watch('commands/*', { after: 'earliest', remember: 'commands' })) {
    if (event.type === 'gap') continue
    const train = trains.get(event.topic.slice('commands/'.length))
    if (train === undefined) continue
    train.obey(event.data.order, event.id)
    await report([train], 10_000)
  }
}

// Ctrl+C is for the program that started this one, and that then ends it. If that one is gone, this has to end too.
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})

const { events } = await client.state('trains')
const lastOf = new Map(events.map(({ key, data }) => [key, data]))
const trains = (await readLines()).flatMap((line) => trainsOf(line, (name) => lastOf.get(name)))
const byName = new Map(trains.map((train) => [train.name, train]))
console.log(`fleet: ${trains.length} trains`)
await Promise.all([run(byName), listen(byName)])
