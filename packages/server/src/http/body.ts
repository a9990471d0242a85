/** Reads the bodies of requests whole, within bounds of bytes and time, for each and for all together. */
import { type Limits, ProblemError } from '@watchpost/protocol'
import type { Exchange } from './exchange.ts'
import { Shares } from './shares.ts'

/** How many clients it takes to hold all that may be held. */
const PARTS = 2

/** What was taken of one body. */
interface Held {
  readonly client: string
  bytes: number
}

export class Bodies {
  readonly #limits: Limits
  readonly #shares: Shares

  constructor(limits: Limits) {
    this.#limits = limits
    const { publishingBytesMax, publishBytesMax } = limits
    // One publish fits in any case.
    this.#shares = new Shares(publishingBytesMax, Math.max(publishingBytesMax / PARTS, publishBytesMax))
  }

  /**
   * Reads a body and hands it to `use`, during which it counts as held by the client.
   * @throws ProblemError `message-too-large`, `request-timeout`, `unsupported-media-type`, `overloaded`, or what `use` throws
   */
  async with<Result>(exchange: Exchange, client: string, use: (body: Buffer) => Promise<Result>): Promise<Result> {
    const coding = exchange.header('content-encoding')
    if (coding !== undefined && coding !== 'identity') {
      const detail = `Content-Encoding ${JSON.stringify(coding)} is not read; send the body as it is.`
      throw new ProblemError('unsupported-media-type', detail)
    }
    const { publishBytesMax } = this.#limits
    if (Number(exchange.header('content-length') ?? 0) > publishBytesMax) throw tooLarge(publishBytesMax)
    const held = { client, bytes: 0 }
    try {
      return await use(await this.#collect(exchange, held))
    } finally {
      this.#shares.hold(client, -held.bytes)
    }
  }

  /**
   * Counts bytes that came otherwise as held while `use` works on them.
   * @throws ProblemError `overloaded`, or what `use` throws
   */
  async holding<Result>(client: string, bytes: number, use: () => Promise<Result>): Promise<Result> {
    if (!this.#shares.hasRoom(client, bytes)) throw overloaded()
    this.#shares.hold(client, bytes)
    try {
      return await use()
    } finally {
      this.#shares.hold(client, -bytes)
    }
  }

  /** @param held counts what was taken for this body, also if it is never read to its end */
  #collect({ request }: Exchange, held: Held): Promise<Buffer> {
    const { slowBodyMs } = this.#limits
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      const settle = (act: () => void): void => {
        clearTimeout(timer)
        request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone)
        act()
      }
      const refuse = (error: ProblemError): void => {
        settle(() => reject(error))
        request.pause()
      }
      const timer = setTimeout(() => {
        refuse(new ProblemError('request-timeout', `The request did not arrive whole within ${slowBodyMs} ms.`))
      }, slowBodyMs)
      const onData = (chunk: Buffer): void => {
        const refusal = this.#hold(chunk, held)
        if (refusal === undefined) chunks.push(chunk)
        else refuse(refusal)
      }
      const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks, held.bytes)))
      const onGone = (): void => settle(() => reject(new ProblemError('invalid-message', 'The request was cut off.')))
      request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
    })
  }

  #hold(chunk: Buffer, held: Held): ProblemError | undefined {
    const { publishBytesMax } = this.#limits
    const hasRoom = this.#shares.hasRoom(held.client, chunk.length)
    held.bytes += chunk.length
    this.#shares.hold(held.client, chunk.length)
    if (held.bytes > publishBytesMax) return tooLarge(publishBytesMax)
    return hasRoom ? undefined : overloaded()
  }
}

const overloaded = (): ProblemError =>
  new ProblemError('overloaded', 'The server holds as much to publish as it may.', { retryAfter: 1 })

const tooLarge = (bytesMax: number): ProblemError =>
  new ProblemError('message-too-large', `A publish may have ${bytesMax} bytes; split it into several.`)
