/** A crowd that comes at once, and of whom each watches who is there [WP-9.4] [WP-9.5]. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { startChild } from './fixtures/child.ts'
import { CountingSocket } from './fixtures/counting-socket.ts'
import { Watching } from './fixtures/presence.ts'
import { temporaryDir } from './harness.ts'

const MEMBERS = 2_000
/** Connections that are opened at a time. */
const AT_ONCE = 100

async function openAll(url: string): Promise<CountingSocket[]> {
  const sockets: CountingSocket[] = []
  while (sockets.length < MEMBERS) {
    sockets.push(...(await Promise.all(Array.from({ length: AT_ONCE }, () => CountingSocket.open(url)))))
  }
  return sockets
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

/** Resolves when all were sent what they are to be sent. */
async function untilQuiet(sockets: readonly CountingSocket[]): Promise<void> {
  const total = (): number => sum(sockets.map(({ bytes }) => bytes))
  for (let before = -1; before !== total(); await sleep(2_000)) before = total()
}

it(`${MEMBERS} that join and leave at once, all of whom watch, are told in few messages [WP-9.4] [WP-9.5]`, async () => {
  const config = {
    dataDir: await temporaryDir(),
    // Else those that are bookmarks would be counted too.
    heartbeatMs: 600_000,
    topics: { room: { events: { message: {} }, presence: true, watch: 'anyone' } },
    limits: { presenceGraceMs: 1_000 },
  }
  const { url, logged } = await startChild(config)
  const witness = await Watching.open(url, 'room')
  const sockets = await openAll(url)
  for (const socket of sockets) socket.subscribe('$presence/room')
  await expect.poll(() => sockets.every(({ messages }) => messages === 2), { timeout: 60_000 }).toBe(true)
  const before = sum(sockets.map(({ bytes }) => bytes))
  const startMs = performance.now()
  for (const socket of sockets) socket.subscribe('room')
  await witness.until(({ here }) => here.size === MEMBERS, 120_000)
  const joinedMs = performance.now() - startMs
  await untilQuiet(sockets)
  // Less the welcome and the answers to both requests.
  const messages = sockets.map((socket) => socket.messages - 3)
  const bytes = sum(sockets.map((socket) => socket.bytes)) - before
  console.log(
    `${MEMBERS} joined, told to all in ${(joinedMs / 1_000).toFixed(1)} s: ${sum(messages)} messages in all, ` +
      `${Math.min(...messages)} to ${Math.max(...messages)} each, in the place of ${MEMBERS ** 2}; ` +
      `${(bytes / 1_048_576).toFixed(0)} MiB as sent`,
  )
  expect(witness.told).toHaveLength(MEMBERS)
  expect(Math.min(...messages)).toBeGreaterThan(0)
  expect(Math.max(...messages)).toBeLessThan(100)
  const halves = [sockets.slice(0, MEMBERS / 2), sockets.slice(MEMBERS / 2)] as const
  const stayed = halves[1].map((socket) => socket.messages)
  await Promise.all(halves[0].map((socket) => socket.cut()))
  await witness.until(({ here }) => here.size === MEMBERS / 2, 120_000)
  await untilQuiet(halves[1])
  const more = halves[1].map((socket, n) => socket.messages - (stayed[n] ?? 0))
  console.log(`${MEMBERS / 2} left: ${Math.min(...more)} to ${Math.max(...more)} messages to each of the others`)
  expect(witness.told).toHaveLength(MEMBERS * 1.5)
  expect(Math.max(...more)).toBeLessThan(100)
  await Promise.all(halves[1].map((socket) => socket.cut()))
  await witness.until(({ here }) => here.size === 0, 120_000)
  expect(logged).toEqual([])
}, 300_000)
