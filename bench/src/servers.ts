/** The servers that are measured: ours, the floor of a bare loop over sockets, and peers as their users run them. */
import { findNchan } from './nchan.ts'
import type { DialectName } from './roles/dialects.ts'

export interface Server {
  readonly name: string
  /** The role that runs it, and its arguments. */
  readonly file: string
  readonly args: readonly string[]
  /** Where clients connect, and how they speak. */
  readonly path: string
  readonly dialect: DialectName
}

type Servers<Names extends string> = Readonly<Record<Names, Server>>

const OURS = { name: 'Watchpost', file: 'watchpost-server.js', args: [], path: '/v1/topics/stocks' } as const
const FLOOR = { file: 'floor-server.js', path: '/' } as const
const WS = { file: 'ws-server.js', path: '/' } as const
const DEFLATED = 'websocket, deflated'

export const SSE: Servers<'floor' | 'floorCoalescing' | 'watchpost'> = {
  floor: { ...FLOOR, name: 'floor: shared socket.write', args: ['sse', '0'], dialect: 'sse' },
  floorCoalescing: { ...FLOOR, name: 'floor, coalescing 5 ms', args: ['sse', '5'], dialect: 'sse' },
  watchpost: { ...OURS, dialect: 'sse' },
}

export const WEBSOCKET: Servers<'floor' | 'floorCoalescing' | 'watchpost' | 'ws' | 'socketIo'> = {
  floor: { ...FLOOR, name: 'floor: shared socket.write', args: ['websocket', '0'], dialect: 'websocket' },
  floorCoalescing: { ...FLOOR, name: 'floor, coalescing 5 ms', args: ['websocket', '5'], dialect: 'websocket' },
  watchpost: { ...OURS, dialect: 'websocket' },
  ws: { ...WS, name: 'ws, client.send to each', args: ['off'], dialect: 'websocket' },
  socketIo: {
    name: 'socket.io, emit to a room',
    file: 'socket-io-server.js',
    args: [],
    path: '/socket.io/?EIO=4&transport=websocket',
    dialect: 'socket.io',
  },
}

export const WEBSOCKET_DEFLATED: Servers<'watchpost' | 'wsAlone' | 'ws'> = {
  watchpost: { ...OURS, name: 'Watchpost, deflated', dialect: DEFLATED },
  wsAlone: { ...WS, name: 'ws, deflated, no context kept', args: ['alone'], dialect: DEFLATED },
  ws: { ...WS, name: 'ws, deflated as by default', args: ['on'], dialect: DEFLATED },
}

/** nginx with nchan, if it is installed; says so if it is not. */
export function nchan(): readonly Server[] {
  const found = findNchan()
  if (found !== undefined) {
    const { nginx, module } = found
    return [
      {
        name: 'nchan, one worker',
        file: 'nchan-server.js',
        args: [nginx, module],
        path: '/stocks',
        dialect: 'websocket',
      },
    ]
  }
  console.log('  nchan is left out: no nginx with its module is installed (on Debian, libnginx-mod-nchan)')
  return []
}
