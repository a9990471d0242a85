/**
 * What the pages load: style, scripts and the viewer of OpenAPI documents, all of them files of this package. They are
 * read once, when the first page is asked for, and served below a name that is made of what is in them: so browsers may
 * keep them for good, and scripts import each other by relative paths.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** One file as it is sent. */
export interface Asset {
  /** `Content-Type`. */
  readonly type: string
  readonly bytes: Buffer
  /** The same, compressed. */
  readonly gzipped: Buffer
}

/** All files, by their names; `version` changes whenever one of them does. */
export interface Assets {
  readonly version: string
  /** The names of the scripts that are our own. */
  readonly scripts: readonly string[]
  readonly files: ReadonlyMap<string, Asset>
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
}

/** The package ships its sources, so what needs no compiling is read from there. */
const STYLES = new URL('../../../src/documents/page/assets/', import.meta.url)
const SCRIPTS = new URL('./browser/', import.meta.url)
const VIEWER = new URL('./viewer/', import.meta.url)

let reading: Promise<Assets> | undefined

/** @throws Error if the package was not built whole */
export function readAssets(): Promise<Assets> {
  reading ??= readAll().catch((error: unknown) => {
    reading = undefined
    throw new Error('the files of /docs can not be read; `npm run build` makes them', { cause: error })
  })
  return reading
}

async function readAll(): Promise<Assets> {
  const [scripts, ...others] = await Promise.all([SCRIPTS, STYLES, VIEWER].map(readFolder))
  const found = [scripts ?? [], ...others].flat()
  const hash = createHash('sha256')
  for (const [name, { bytes }] of found) hash.update(`${name} ${bytes.length}\n`).update(bytes)
  const names = (scripts ?? []).map(([name]) => name)
  return { version: hash.digest('hex').slice(0, 16), scripts: names, files: new Map(found) }
}

async function readFolder(folder: URL): Promise<readonly (readonly [string, Asset])[]> {
  const names = (await readdir(folder)).filter((name) => extname(name) in TYPES).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const bytes = await readFile(new URL(name, folder))
      const type = TYPES[extname(name)] ?? 'application/octet-stream'
      return [name, { type, bytes, gzipped: await promisify(gzip)(bytes, { level: 9 }) }] as const
    }),
  )
}
