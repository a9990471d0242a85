/**
 * Bodies that are refused before they have come whole (RFC 9112, section 9.6): a connection that is closed while its
 * client still sends is reset, and that can take the answer away before the client has read it. So what comes is taken
 * for a while, and thrown away.
 */
import type { IncomingMessage } from 'node:http'

const LINGER_MS = 2_000
const LINGER_BYTES_MAX = 33_554_432

/** Whether a body is still to come; HTTP/2 can end a request by itself. */
export const isUnread = ({ complete, httpVersionMajor, headers }: IncomingMessage): boolean =>
  !complete &&
  httpVersionMajor < 2 &&
  (headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined)

/** Calls back once, when the client has sent all, is gone, or had its time. */
export function takeRest(request: IncomingMessage, callback: () => void): void {
  let bytes = 0
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes > LINGER_BYTES_MAX) settle()
  }
  const settle = (): void => {
    clearTimeout(timer)
    request.off('data', onData).off('end', settle).off('close', settle)
    request.pause()
    callback()
  }
  const timer = setTimeout(settle, LINGER_MS)
  request.on('data', onData).on('end', settle).on('close', settle)
  request.resume()
}
