/** Handshakes of WebSockets, of which OpenAPI can tell only the beginning: what follows is told in `x-websocket`. */
import { FORMATS } from '../../transports/websocket/formats.ts'
import type { Documented } from '../documented.ts'
import { SOCKET_MESSAGES, SOCKET_REQUESTS } from '../messages.ts'
import { refTo } from '../schemas.ts'
import type { Node } from './building.ts'
import { headersNamed } from './responses.ts'

/** The answer to a handshake that is taken. */
export const switching = (): Node => ({
  description: 'A WebSocket is open; its first message is `welcome`. What it carries is in `x-websocket`.',
  headers: headersNamed(
    ...(['Upgrade', 'Connection', 'SecWebSocketAccept', 'SecWebSocketProtocol', 'SecWebSocketExtensions'] as const),
  ),
})

/**
 * What a WebSocket carries.
 * @param events the names of the schemas of the events that it can send
 */
export const socketOf = ({ credentials, baseUrl }: Documented, events: readonly string[]): Node => ({
  subprotocols: FORMATS.map(({ subprotocol }) => subprotocol),
  ...(credentials !== undefined && { credentialsSubprotocol: 'bearer.<token>' }),
  clientToServer: { oneOf: Object.values(SOCKET_REQUESTS).map(refTo) },
  serverToClient: { anyOf: [...Object.values(SOCKET_MESSAGES), ...events, 'Delta'].map(refTo) },
  asyncapi: `${baseUrl}/asyncapi.json`,
})

const header = (name: string, schema: Node, description: string): Node => ({
  ...{ name, in: 'header', required: true, description, schema },
})

/** A word of HTTP (RFC 9110, section 5.6.2), as a regular expression. */
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"

const SPOKEN = FORMATS.map(({ subprotocol }) => subprotocol.replaceAll('.', '\\.')).join('|')

/** The headers of a handshake (RFC 6455, section 4.1), on the path that takes nothing else. */
export const handshakeHeaders = (): readonly Node[] => [
  header('Upgrade', { type: 'string', pattern: '^[Ww]eb[Ss]ocket$' }, 'That a WebSocket is asked for.'),
  header(
    'Connection',
    { type: 'string', pattern: '^([A-Za-z-]+, )*[Uu]pgrade(, [A-Za-z-]+)*$', examples: ['Upgrade'] },
    'That the connection is to be upgraded.',
  ),
  header('Sec-WebSocket-Version', { const: '13' }, 'The version of the protocol.'),
  header(
    'Sec-WebSocket-Key',
    { type: 'string', pattern: '^[A-Za-z0-9+/]{22}==$', examples: ['dGhlIHNhbXBsZSBub25jZQ=='] },
    '16 random bytes, as base64.',
  ),
  {
    name: 'Sec-WebSocket-Protocol',
    in: 'header',
    description: 'Subprotocols to choose from; JSON is spoken if there is none.',
    schema: {
      type: 'string',
      pattern: `^(${TOKEN}, *)*(${SPOKEN})(, *${TOKEN})*$`,
      examples: FORMATS.map(({ subprotocol }) => subprotocol),
    },
  },
]
