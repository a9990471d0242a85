/** From positions to cursors. */
import { formatCursor, type Position } from '@watchpost/protocol'
import type { Log } from './log.ts'

/** The cursor of a position. Trims that took nothing from beyond it need not be remembered, so that most cursors stay short. */
export function cursorOf(log: Log, position: Position): string {
  const { offset } = position
  return formatCursor(log.epoch, offset >= log.trimmed ? { offset, trims: 0 } : position)
}
