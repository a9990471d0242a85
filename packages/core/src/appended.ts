/** What became of the events of a publish. */
import type { Appended } from './log.ts'

/** The offset of each event in order; `undefined` for those that are not stored [WP-9.3]. */
export function offsetsOf({ first, timestamps, ephemeral = [] }: Appended): readonly (number | undefined)[] {
  const passed = new Set(ephemeral)
  let next = first
  return timestamps.map((_timestamp, index) => (passed.has(index) ? undefined : next++))
}

/** How many of the events are stored. */
export const storedCount = ({ timestamps, ephemeral = [] }: Appended): number => timestamps.length - ephemeral.length
