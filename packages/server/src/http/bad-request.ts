/** Answers what never became a request, so that no route sees it. */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { PROBLEMS, ProblemError, type ProblemName, problemDocument } from '@watchpost/protocol'

const CLIENT_ERRORS: Readonly<Record<string, ProblemName>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}

/** Listener of a server's `clientError`: sends a problem and closes the connection. */
export function refuseBadRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  // Bytes that were written already belong to an answer, in the midst of which another one would be garbage.
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const name = CLIENT_ERRORS[error.code ?? ''] ?? 'invalid-message'
  const { status, title, when } = PROBLEMS[name]
  const body = JSON.stringify(problemDocument(new ProblemError(name, when), `urn:uuid:${randomUUID()}`))
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
