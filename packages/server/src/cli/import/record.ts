/** One record of a file that is imported. */

/** A record, or why it can't be one. `place` is where it is, for people. `text` is what it was read from. */
export interface FileRecord {
  readonly place: string
  /** JSON text if there is no `fault`. */
  readonly text: string
  readonly fault?: string
}

/** What one record may have, in UTF-16 units; past it the file is of another format. */
export const RECORD_LENGTH_MAX = 16_777_216

/** A record of JSON text, if it is JSON. */
export function checked(text: string, place: string): FileRecord {
  try {
    JSON.parse(text)
    return { place, text }
  } catch (error) {
    return { place, text, fault: `is not JSON: ${(error as Error).message}` }
  }
}
