/** Whether a peer still lives [WP-4.10]: pings in its silences, and an end to those that stay silent or take nothing. */
import type { Socket } from 'node:net'
import type { App } from '../../app.ts'

/** What a peer is trusted to take at least, once it was sent a lot: a ping is only seen after all that came before it. */
const TAKEN_BYTES_PER_MS = 8_192 / 1_000

/** Silences, counted in heartbeats. A peer is visited twice in each, so it is pinged within one and given up within two. */
const PING_AFTER = 0.5
const SILENT_AFTER = 1.5

/** Visits that find nothing new before a peer is given up: after a stop of the server itself, it is pinged and visited again. */
const SILENT_VISITS_MIN = 3

/** The connection whose peer it is. */
export interface Lively {
  readonly app: App
  readonly socket: Socket
  /** Whether the server itself does not read what the peer sends just now. */
  readonly isPaused: boolean
  ping(): void
  giveUp(reason: 'silent' | 'stalled'): void
}

export class Liveness {
  readonly #connection: Lively
  #heardMs: number
  #silentVisits = 0
  #pingedMs = Number.NEGATIVE_INFINITY
  /** What had been received when the peer was last heard, and sent by then at least. */
  #receivedBytes = 0
  #sentBytes = 0
  /** What had been sent at the last visit. */
  #visitedBytes = 0
  #isWatchingProgress = false

  constructor(connection: Lively) {
    this.#connection = connection
    this.#heardMs = connection.app.clock.monotonic()
  }

  /** To be called twice in each heartbeat. */
  check(): void {
    const { app, socket } = this.#connection
    const nowMs = app.clock.monotonic()
    this.#listen(nowMs)
    // As long as something waits for the peer, it is progress that counts: nothing behind it can have been answered.
    if (socket.writableLength > 0) return this.#watchProgress()
    const silentMs = nowMs - this.#heardMs
    const takingMs = Math.min(app.limits.stalledMs, (socket.bytesWritten - this.#sentBytes) / TAKEN_BYTES_PER_MS)
    const isSilent = silentMs >= app.heartbeatMs * SILENT_AFTER + takingMs
    if (isSilent && this.#silentVisits >= SILENT_VISITS_MIN) return this.#connection.giveUp('silent')
    if (Math.min(silentMs, nowMs - this.#pingedMs) < app.heartbeatMs * PING_AFTER) return
    this.#pingedMs = nowMs
    this.#connection.ping()
  }

  /** Any byte is a sign of life: a peer that is in the midst of a long message can answer no ping. */
  #listen(nowMs: number): void {
    const { socket, isPaused } = this.#connection
    this.#silentVisits++
    if (socket.bytesRead !== this.#receivedBytes || isPaused) {
      this.#heardMs = nowMs
      this.#silentVisits = 0
      this.#receivedBytes = socket.bytesRead
      // It was heard at some moment since the last visit, so whatever was sent since then can still be on its way.
      this.#sentBytes = this.#visitedBytes
    }
    this.#visitedBytes = socket.bytesWritten
  }

  /** The socket's own timeout starts anew with each byte that the kernel takes, which nothing else tells of. */
  #watchProgress(): void {
    if (this.#isWatchingProgress) return
    this.#isWatchingProgress = true
    const { app, socket } = this.#connection
    const stop = (): void => {
      this.#isWatchingProgress = false
      socket.setTimeout(0)
      socket.off('timeout', onTimeout).off('drain', stop)
    }
    const onTimeout = (): void => {
      stop()
      if (socket.writableLength > 0) this.#connection.giveUp('stalled')
    }
    socket.on('timeout', onTimeout).on('drain', stop)
    socket.setTimeout(app.limits.stalledMs)
  }
}
