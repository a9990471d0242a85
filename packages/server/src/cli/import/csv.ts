/** Rows of CSV (RFC 4180) as JSON records. The first row names the columns. */
import { Readable } from 'node:stream'
import type { Json } from '@watchpost/protocol'
import { CsvError, parse } from 'csv-parse'
import { CliFailure } from '../failure.ts'
import { type FileRecord, RECORD_LENGTH_MAX } from './record.ts'

/** `auto` makes numbers and booleans of cells that look like them and leaves empty cells out; `string` keeps all as text. */
export type CsvTypes = 'auto' | 'string'

interface Row {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Columns of an event that are text, whatever they look like. */
const EVENT_COLUMNS: ReadonlySet<string> = new Set(['type', 'topic', 'id', 'key', 'timestamp'])

/** @throws CliFailure if the file is no CSV */
export async function* csvRecords(
  texts: AsyncIterable<string>,
  options: { readonly csvTypes: CsvTypes; readonly rowsAreEvents: boolean },
): AsyncGenerator<FileRecord, void, void> {
  const parser = parse({
    ...{ info: true, relax_column_count: true, skip_empty_lines: true, max_record_size: RECORD_LENGTH_MAX },
  })
  const source = Readable.from(texts)
  // `pipe` alone would leave the parser waiting for ever when the file can't be read.
  source.on('error', (error) => parser.destroy(error))
  let columns: readonly Column[] | undefined
  try {
    for await (const { record, info } of source.pipe(parser) as AsyncIterable<Row>) {
      if (columns === undefined) columns = readColumns(record, options.rowsAreEvents)
      else yield toRecord(record, columns, options.csvTypes, `line ${info.lines}`)
    }
  } catch (error) {
    throw error instanceof CsvError ? new CliFailure(`is not CSV: ${error.message}`) : error
  }
}

interface Column {
  readonly name: string
  readonly path: readonly string[]
  readonly isText: boolean
}

/** In rows that are events, `data.a.b` is a column of a member of a member of `data`. */
function readColumns(names: readonly string[], rowsAreEvents: boolean): readonly Column[] {
  const repeated = names.find((name, index) => names.indexOf(name) < index)
  if (repeated !== undefined)
    throw new CliFailure(`two columns are named ${JSON.stringify(repeated)}; rename one in the first line`)
  return names.map((name) => ({
    name,
    path: rowsAreEvents && name.startsWith('data.') ? name.split('.') : [name],
    isText: rowsAreEvents && EVENT_COLUMNS.has(name),
  }))
}

function toRecord(cells: readonly string[], columns: readonly Column[], types: CsvTypes, place: string): FileRecord {
  if (cells.length !== columns.length) {
    const fault = `has ${cells.length} cells, where the first line has ${columns.length}`
    return { place, text: JSON.stringify(cells), fault }
  }
  const record = emptyObject()
  for (const [index, column] of columns.entries()) {
    const cell = cells[index] as string
    if (cell === '' && (types === 'auto' || column.isText)) continue
    const fault = put(record, column.path, types === 'auto' && !column.isText ? typed(cell) : cell)
    if (fault)
      return {
        place,
        text: JSON.stringify(cells),
        fault: `column ${column.name} is below a column that has a value itself`,
      }
  }
  return { place, text: JSON.stringify(record) }
}

type Members = Record<string, Json>

/** Without a prototype, a column named `__proto__` is a column like any other. */
const emptyObject = (): Members => Object.create(null) as Members

/** Whether there was something in the way. */
function put(record: Members, path: readonly string[], value: Json): boolean {
  let at = record
  for (const name of path.slice(0, -1)) {
    const inner = (at[name] ??= emptyObject())
    if (typeof inner !== 'object' || inner === null) return true
    at = inner as Members
  }
  at[path.at(-1) as string] = value
  return false
}

/** A number only if writing it gives the same text again, so that `007` and `1e999` stay what they are. */
function typed(cell: string): Json {
  if (cell === 'true') return true
  if (cell === 'false') return false
  const value = Number(cell)
  return Number.isFinite(value) && String(value) === cell ? value : cell
}
