/** What the server itself remembers beside the events. Used inside a write transaction. */
import type { Table } from '@watchpost/core'
import type { Store } from './store.ts'

export const tableOf = ({ table, topics, state }: Store): Table => ({
  get: (key) => table.get(key),
  put: (key, value) => {
    table.putSync(key, value)
  },
  remove: (key) => {
    table.removeSync(key)
  },
  entries: (prefix, countMax) => {
    const entries: (readonly [string, string])[] = []
    for (const { key, value } of table.getRange({ start: prefix, limit: countMax })) {
      if (!key.startsWith(prefix)) break
      entries.push([key, value])
    }
    return entries
  },
  latest: (topic, key) => {
    const number = topics.get(topic)?.[0]
    return number === undefined ? undefined : state.get([number, key])
  },
})
