/** Reads a request's body whole, within bounds of bytes and time. */
import { type Limits, ProblemError } from '@watchpost/protocol'
import type { Exchange } from './exchange.ts'

/** @throws ProblemError `message-too-large`, `request-timeout` or `unsupported-media-type` */
export async function readBody(exchange: Exchange, limits: Limits): Promise<Buffer> {
  const { publishBytesMax, slowBodyMs } = limits
  const coding = exchange.header('content-encoding')
  if (coding !== undefined && coding !== 'identity') {
    throw new ProblemError(
      'unsupported-media-type',
      `Content-Encoding ${JSON.stringify(coding)} is not read; send plain.`,
    )
  }
  if (Number(exchange.header('content-length') ?? 0) > publishBytesMax) throw tooLarge(publishBytesMax)
  return collect(exchange, publishBytesMax, slowBodyMs)
}

function collect({ request }: Exchange, bytesMax: number, slowBodyMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
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
      bytes += chunk.length
      if (bytes > bytesMax) refuse(tooLarge(bytesMax))
      else chunks.push(chunk)
    }
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks, bytes)))
    const onGone = (): void => settle(() => reject(new ProblemError('invalid-message', 'The request was cut off.')))
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone)
  })
}

const tooLarge = (bytesMax: number): ProblemError =>
  new ProblemError('message-too-large', `A publish may have ${bytesMax} bytes; split it into several.`)
