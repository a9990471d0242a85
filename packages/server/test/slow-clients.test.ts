/** Clients that read slowly, or not at all [WP-8.2]. */
import { setTimeout as sleep } from 'node:timers/promises'
import { SseParser } from '@watchpost/protocol'
import { describe, expect, it } from 'vitest'
import { startChild } from './fixtures/child.ts'
import { dial, metric } from './fixtures/http.ts'
import { openSse, post, startServer, temporaryDir } from './harness.ts'

const streamRequest = (query = '') =>
  `GET /v1/topics/log${query} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`

/** An SSE stream on a bare connection, which reads only while it is told to. Its events carry a number each. */
async function openSlow(url: string, query = '') {
  const socket = await dial(url)
  const numbers: number[] = []
  const parser = new SseParser(({ event, data }) => {
    if (event === 'line') numbers.push((JSON.parse(data) as { data: { n: number } }).data.n)
  })
  socket.setEncoding('utf8')
  socket.pause()
  socket.on('data', (chunk: string) => parser.push(chunk))
  socket.write(streamRequest(query))
  return { socket, numbers }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

describe('a client that never reads', () => {
  const MEGABYTES = 100
  const PER_PUBLISH = 100
  const TEXT = 'x'.repeat(10_000)
  const EVENTS = (MEGABYTES * 1_000_000) / TEXT.length

  it(`holds a bounded part of ${MEGABYTES} MB beside 50 that read, and then gets every event once, in order [WP-8.2]`, {
    timeout: 90_000,
  }, async () => {
    const child = await startChild({ dataDir: await temporaryDir(), durability: 'os' })
    // Bytes for clients wait in buffers outside of the heap. Resident memory also has the pages of the log's file.
    const megabytes = async (name: string) => ((await metric(child.url, name)) ?? Number.NaN) / 1e6
    const measure = () =>
      Promise.all(['nodejs_external_memory_bytes', 'process_resident_memory_bytes'].map((name) => megabytes(name)))
    const stalled = await openSlow(child.url)
    const readers = await Promise.all(upTo(50).map(() => openCounting(child.url)))
    await expect.poll(() => metric(child.url, 'watchpost_connections{transport="sse"}')).toBe(51)
    const beforeMb = await measure()
    let highestMb = beforeMb
    const measureAgain = async () => {
      const nowMb = await measure()
      highestMb = highestMb.map((value, i) => Math.max(value, nowMb[i] ?? Number.NaN))
    }
    const startMs = performance.now()
    for (let n = 0; n < EVENTS; n += PER_PUBLISH) {
      const events = upTo(PER_PUBLISH).map((i) => ({ type: 'line', data: { n: n + i, text: TEXT } }))
      expect((await post(`${child.url}/v1/topics/log`, events)).status).toBe(201)
      await measureAgain()
    }
    const reached = () => Math.min(...readers.map(({ numbers }) => numbers.length))
    await expect.poll(reached, { timeout: 40_000 }).toBe(EVENTS)
    const seconds = (performance.now() - startMs) / 1_000
    await measureAgain()
    for (const { numbers } of readers) expect(numbers).toEqual(upTo(EVENTS))
    expect(stalled.numbers).toEqual([])
    const [buffersMb = Number.NaN, residentMb = Number.NaN] = highestMb.map((value, i) => value - (beforeMb[i] ?? 0))
    console.log(
      `${MEGABYTES} MB to 50 readers in ${seconds.toFixed(1)} s beside one that took nothing: the server's buffers grew ` +
        `by ${buffersMb.toFixed(0)} MB at most, its resident memory by ${residentMb.toFixed(0)} MB`,
    )
    expect(buffersMb).toBeLessThan(MEGABYTES / 2)
    stalled.socket.resume()
    await expect.poll(() => stalled.numbers.length, { timeout: 20_000 }).toBe(EVENTS)
    expect(stalled.numbers).toEqual(upTo(EVENTS))
    expect(child.logged).toEqual([])
  })
})

/** A stream that reads at once and only remembers the numbers: it searches the text for them instead of parsing it. */
async function openCounting(url: string) {
  const { socket, numbers } = await openSlow(url)
  socket.removeAllListeners('data')
  let rest = ''
  socket.on('data', (chunk: string) => {
    const text = rest + chunk
    let from = 0
    for (const match of text.matchAll(/"data":\{"n":(\d+),/g)) {
      numbers.push(Number(match[1]))
      from = match.index + match[0].length
    }
    rest = text.slice(Math.max(from, text.length - 30))
  })
  socket.resume()
  return { numbers }
}

describe('a client that takes nothing for `stalledMs`', () => {
  const limits = { stalledMs: 600, bufferedBytesMax: 65_536 }

  it('is cut off, and others are not [WP-8.1] [WP-8.2]', async () => {
    const { url, watchpost } = await startServer({ limits, heartbeatMs: 100 })
    const stalled = await openSlow(url)
    const [silent, busy] = [await openSse(`${url}/v1/topics/chat/a`), await openSse(`${url}/v1/topics/log`)]
    await Promise.all([silent, busy].map((stream) => stream.next(({ event }) => event === 'welcome')))
    const text = 'x'.repeat(20_000)
    for (let batch = 0; batch < 10; batch++) {
      const events = upTo(100).map((i) => ({ type: 'line', data: { n: batch * 100 + i, text } }))
      await watchpost.publish('log', events)
    }
    await busy.events(1_000)
    const streams = () => metric(url, 'watchpost_connections{transport="sse"}')
    await expect.poll(streams, { timeout: 5_000 }).toBe(2)
    const closed = new Promise((resolve) => stalled.socket.once('close', resolve))
    stalled.socket.resume()
    await closed
    expect(stalled.numbers.length).toBeLessThan(1_000)
    await sleep(1_000)
    expect(await streams()).toBe(2)
    await watchpost.publish('chat/a', { type: 'message', data: {} })
    await silent.events(1)
  })

  it('is not one that takes all there is, however seldom there is something [WP-8.2]', async () => {
    const { url, watchpost } = await startServer({ limits, heartbeatMs: 60_000 })
    const stream = await openSse(`${url}/v1/topics/log`)
    await stream.next(({ event }) => event === 'welcome')
    await sleep(2_000)
    await watchpost.publish('log', { type: 'line', data: { n: 0 } })
    expect(await stream.events(1)).toHaveLength(1)
  })

  it('is not one that reads slowly: it is sent everything, at its own pace [WP-8.2]', async () => {
    const { url, watchpost } = await startServer({ limits })
    const { socket, numbers } = await openSlow(url)
    await expect.poll(() => metric(url, 'watchpost_connections{transport="sse"}')).toBe(1)
    const text = 'x'.repeat(20_000)
    for (let batch = 0; batch < 8; batch++) {
      const events = upTo(100).map((i) => ({ type: 'line', data: { n: batch * 100 + i, text } }))
      await watchpost.publish('log', events)
    }
    // Each time it takes what the kernel held for it, so that for longer than `stalledMs` there is always some progress.
    for (let turn = 0; turn < 10 && numbers.length < 800; turn++) {
      socket.resume()
      await sleep(20)
      socket.pause()
      await sleep(200)
    }
    socket.resume()
    await expect.poll(() => numbers.length, { timeout: 10_000 }).toBe(800)
    expect(numbers).toEqual(upTo(800))
  })
})
