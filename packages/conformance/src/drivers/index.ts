/** All drivers. */
import type { Driver } from '../driver.ts'
import { longPoll, page } from './paging.ts'
import { sse } from './sse.ts'
import { subscribeJson, subscribeMsgpack, websocketJson, websocketMsgpack } from './websocket.ts'

export const drivers: readonly Driver[] = [
  ...[page, longPoll, sse],
  ...[websocketJson, websocketMsgpack, subscribeJson, subscribeMsgpack],
]
