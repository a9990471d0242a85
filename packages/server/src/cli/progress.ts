/** How far a long command came, on stderr: a bar on a terminal, else a line now and then. */
import { SingleBar } from 'cli-progress'
import { note } from './terminal.ts'

const LINE_EVERY_MS = 5_000

export interface Progress {
  /** `done` of the total, and how many events that was. */
  update(done: number, events: number): void
  stop(): void
}

/** @param total of what is being worked off, such as bytes; `undefined` if nobody knows */
export function showProgress(verb: string, total: number | undefined): Progress {
  return process.stderr.isTTY ? bar(verb, total) : lines(verb, total)
}

const count = (events: number): string => events.toLocaleString('en-US')

function bar(verb: string, total: number | undefined): Progress {
  const startMs = performance.now()
  const format =
    total === undefined
      ? '{verb} {events} events, {rate}/s'
      : '{verb} [{bar}] {percentage} % | {events} events, {rate}/s | {eta_formatted} left'
  const single = new SingleBar({
    format,
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 50,
  })
  single.start(total ?? 1, 0, { verb, events: '0', rate: '0' })
  return {
    update: (done, events) => {
      const rate = count(Math.round((events * 1_000) / Math.max(1, performance.now() - startMs)))
      single.update(total === undefined ? 0 : Math.min(done, total), { events: count(events), rate })
    },
    stop: () => single.stop(),
  }
}

function lines(verb: string, total: number | undefined): Progress {
  let dueMs = performance.now() + LINE_EVERY_MS
  return {
    update: (done, events) => {
      if (performance.now() < dueMs) return
      dueMs = performance.now() + LINE_EVERY_MS
      const part = total === undefined || total === 0 ? '' : ` (${Math.floor((100 * done) / total)} %)`
      note(`${verb} ${count(events)} events${part}`)
    },
    stop: () => undefined,
  }
}

/** `1,000 events in 0.5 s (2,000 events/s)`. */
export function rateOf(events: number, sinceMs: number): string {
  const seconds = (performance.now() - sinceMs) / 1_000
  return `${count(events)} events in ${seconds.toFixed(1)} s (${count(Math.round(events / Math.max(0.001, seconds)))} events/s)`
}
