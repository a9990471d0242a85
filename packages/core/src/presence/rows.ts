/**
 * What each process that has the log open (a node) writes of those who watch there: one row for each of them, and one of
 * its own, which says until when it is to be believed. Who is here is what the rows of all nodes come to.
 */
import { formatTimestamp, type Json } from '@watchpost/protocol'
import type { Table } from '../log.ts'

/** Of somebody's connections to one topic at one node. */
export interface MemberRow {
  /** Those that are open, and those that ended a moment ago, so that they may be about to be opened again. */
  readonly live: number
  readonly leaving: number
  /** When the first of them came, in milliseconds since the Unix epoch. */
  readonly sinceMs: number
  /** What was given last of oneself, and when. */
  readonly info?: Json
  readonly infoMs?: number
}

/** The row of somebody who has left, while it is still to be told that there are fewer connections than before. */
export const NOBODY: MemberRow = { live: 0, leaving: 0, sinceMs: 0 }

/** Of a node. */
export interface NodeRow {
  /** In milliseconds since the Unix epoch; past it, what the node wrote is no longer so. */
  readonly untilMs: number
  /** How long that was ahead when it was written. */
  readonly forMs: number
  /** Whether its connections have ended, and the node with them. */
  readonly closed: boolean
  /** Whether another node has begun to remove what this one wrote. If it lives, it finds it so, and writes all of it again. */
  readonly buried?: boolean
}

/** The data of an event that tells of somebody. */
export interface Here {
  readonly since: string
  readonly connections: number
  readonly info?: Json
}

// Neither nodes nor topics have spaces in them, so the parts of a key can be told apart, whatever a member is called.
const NODES = 'n '
const nodeKey = (node: string): string => `${NODES}${node}`
const membersOf = (node: string): string => `m ${node} `
const memberKey = (node: string, topic: string, key: string): string => `${membersOf(node)}${topic} ${key}`

/** As many as can have one log open. */
const NODES_MAX = 1_000

/** All nodes that have a row. */
export const readNodes = (table: Table): ReadonlyMap<string, NodeRow> =>
  new Map(
    table
      .entries(NODES, NODES_MAX)
      .map(([key, value]) => [key.slice(NODES.length), JSON.parse(value) as NodeRow] as const),
  )

/** The row of one node. */
export function readNode(table: Table, node: string): NodeRow | undefined {
  const value = table.get(nodeKey(node))
  return value === undefined ? undefined : (JSON.parse(value) as NodeRow)
}

/** Writes the row of a node, or removes it. */
export function writeNode(table: Table, node: string, row: NodeRow | undefined): void {
  if (row === undefined) table.remove(nodeKey(node))
  else table.put(nodeKey(node), JSON.stringify(row))
}

/** Somebody who watches a topic, by the key of the events that tell of them. */
export interface Who {
  readonly topic: string
  readonly key: string
}

/** Tells members apart. A topic has no spaces in it. */
export const nameOf = ({ topic, key }: Who): string => `${topic} ${key}`

/** The first `countMax` of whom a node has rows. */
export function membersAt(table: Table, node: string, countMax: number): readonly Who[] {
  const prefix = membersOf(node)
  return table.entries(prefix, countMax).map(([key]) => {
    const [topic = '', ...rest] = key.slice(prefix.length).split(' ')
    return { topic, key: rest.join(' ') }
  })
}

export function readMember(table: Table, node: string, { topic, key }: Who): MemberRow | undefined {
  const value = table.get(memberKey(node, topic, key))
  return value === undefined ? undefined : (JSON.parse(value) as MemberRow)
}

/** Writes the row of a member, or removes it. */
export function writeMember(table: Table, node: string, { topic, key }: Who, row: MemberRow | undefined): void {
  if (row === undefined) table.remove(memberKey(node, topic, key))
  else table.put(memberKey(node, topic, key), JSON.stringify(row))
}

/** A member's row, and whether the connections that it tells of can be thought to be open. */
export interface Standing {
  readonly row: MemberRow
  readonly isLive: boolean
}

/**
 * What the rows of all nodes come to; `undefined` if nobody is here. Connections that ended a moment ago leave open how
 * many there are, and then it is as near as it can be to what was told `before`: so one that is opened again, be it at
 * another node, changes nothing.
 */
export function merge(before: Here | undefined, standings: readonly Standing[]): Here | undefined {
  let live = 0
  let most = 0
  for (const { row, isLive } of standings) {
    live += isLive ? row.live : 0
    most += row.live + row.leaving
  }
  const connections = Math.min(Math.max(before?.connections ?? 0, live), most)
  if (connections === 0) return undefined
  const rows = standings.map(({ row }) => row).filter((row) => row.live + row.leaving > 0)
  const since = before?.since ?? formatTimestamp(Math.min(...rows.map(({ sinceMs }) => sinceMs)))
  const told = rows.filter(({ infoMs }) => infoMs !== undefined)
  const newest = told.sort((a, b) => (b.infoMs ?? 0) - (a.infoMs ?? 0))[0]
  return { since, connections, ...(newest?.info !== undefined && { info: newest.info }) }
}
