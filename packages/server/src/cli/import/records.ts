/** The records of a file in any format, one by one, in bounded memory. */
import { createReadStream } from 'node:fs'
import { addAbortSignal } from 'node:stream'
import { CliFailure } from '../failure.ts'
import { type CsvTypes, csvRecords } from './csv.ts'
import { arrayElements } from './json-array.ts'
import { checked, type FileRecord, RECORD_LENGTH_MAX } from './record.ts'

export type ImportFormat = 'ndjson' | 'csv' | 'json'

export interface Source {
  /** A path, or `-` for stdin. */
  readonly file: string
  readonly format: ImportFormat
  readonly csvTypes: CsvTypes
  /** Whether each CSV row is an event with `data.…` columns, rather than data. */
  readonly rowsAreEvents: boolean
  /** Hears how many bytes were read. */
  readonly onBytes: (bytes: number) => void
  /** Ends the reading with an error. */
  readonly signal: AbortSignal
}

/** @throws CliFailure if the file as a whole can't be read as its format */
export function readRecords(source: Source): AsyncIterable<FileRecord> {
  const texts = readText(source)
  if (source.format === 'csv') return csvRecords(texts, source)
  return source.format === 'json' ? arrayElements(texts) : lines(texts)
}

/** @throws CliFailure if it is not UTF-8 */
async function* readText({ file, onBytes, signal }: Source): AsyncGenerator<string, void, void> {
  const stream = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 262_144 })
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let bytes = 0
  try {
    for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Buffer>) {
      bytes += chunk.length
      yield decoder.decode(chunk, { stream: true })
      onBytes(bytes)
    }
    yield decoder.decode()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error
    throw new CliFailure(`${file}: is not UTF-8, near byte ${bytes}; convert it first, such as with iconv`)
  }
}

async function* lines(texts: AsyncIterable<string>): AsyncGenerator<FileRecord, void, void> {
  let rest = ''
  let number = 0
  for await (const text of texts) {
    const parts = text.split('\n')
    parts[0] = rest + (parts[0] ?? '')
    rest = parts.pop() ?? ''
    if (rest.length > RECORD_LENGTH_MAX) throw new CliFailure('a line has no end; is this NDJSON, one record per line?')
    for (const line of parts) {
      number++
      if (line.trim() !== '') yield checked(line.trim(), `line ${number}`)
    }
  }
  if (rest.trim() !== '') yield checked(rest.trim(), `line ${number + 1}`)
}
