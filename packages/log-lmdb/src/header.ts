/**
 * Looks at the first bytes of a data file before LMDB maps it. LMDB trusts its file: reading a page that is not there
 * ends the process with SIGBUS, so a file that was cut short has to be found out before its pages are touched.
 *
 * The layout is that of LMDB's data format 2 on a 64-bit little-endian machine: a page begins with a header of 24 bytes;
 * the first two pages hold a "meta" each, of which the one with the higher transaction number counts.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { StoreError } from './errors.ts'

const PAGE_HEADER = 24
const META_BYTES = 144
const MAGIC = 0xbeefc0de
const DATA_FORMAT = 2
const NO_PAGE = 2n ** 64n - 1n

// Offsets in a meta, and in the descriptions of trees that it and the leaves hold.
const META = { version: 4, pageSize: 24, freeTree: 24, mainTree: 72, lastPage: 120, transaction: 128 } as const
const TREE_ROOT = 40

// Flags of pages and of nodes.
const BRANCH = 0x01
const BIG_DATA = 0x01
const SUB_TREE = 0x02

interface Meta {
  readonly transaction: bigint
  readonly lastPage: bigint
  readonly roots: readonly bigint[]
}

/** How often to look again when another process writes while we look. */
const TRIES = 5

/**
 * Checks that a file is LMDB's and has all its pages. A file that does not exist, or is empty, is fine: it will be made.
 * @throws StoreError `foreign` or `damaged`
 */
export function checkDataFile(dir: string, path: string): void {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    for (let tries = 1; ; tries++) {
      const before = newestMeta(dir, file)
      if (before === undefined || hasItsPages(file, before)) return
      // Only if nobody wrote meanwhile is it certain that what was read is one tree.
      const after = newestMeta(dir, file)
      if (tries === TRIES || after?.meta.transaction === before.meta.transaction) throw cutShort(dir)
    }
  } catch (error) {
    // A reference that points out of its page.
    throw error instanceof RangeError ? cutShort(dir) : error
  } finally {
    closeSync(file)
  }
}

interface Newest {
  readonly meta: Meta
  readonly pageSize: number
}

function newestMeta(dir: string, file: number): Newest | undefined {
  const size = fstatSync(file).size
  if (size === 0) return undefined
  const first = read(file, 0, PAGE_HEADER + META_BYTES)
  if (first.length < PAGE_HEADER + 4 || first.readUInt32LE(PAGE_HEADER) !== MAGIC) {
    throw foreign(dir, 'is not the file of an LMDB that this version reads')
  }
  if (first.length < PAGE_HEADER + META_BYTES) throw cutShort(dir)
  if ((first.readUInt32LE(PAGE_HEADER + META.version) & 0xffff) !== DATA_FORMAT) {
    throw foreign(dir, 'has a data format of LMDB that this version does not read')
  }
  const pageSize = first.readUInt32LE(PAGE_HEADER + META.pageSize)
  const second = read(file, pageSize, PAGE_HEADER + META_BYTES)
  if (second.length < PAGE_HEADER + META_BYTES) throw cutShort(dir)
  const metas = [decodeMeta(first), decodeMeta(second)] as const
  return { meta: metas[0].transaction > metas[1].transaction ? metas[0] : metas[1], pageSize }
}

function decodeMeta(page: Buffer): Meta {
  const meta = page.subarray(PAGE_HEADER)
  return {
    transaction: meta.readBigUInt64LE(META.transaction),
    lastPage: meta.readBigUInt64LE(META.lastPage),
    roots: [META.freeTree, META.mainTree].map((tree) => meta.readBigUInt64LE(tree + TREE_ROOT)),
  }
}

/**
 * Nearly always the last page that was ever given out is in the file, and that is all there is to check. But a page
 * that was given out and freed within one transaction is never written, so a shorter file may still be whole; then
 * every page that is in use is looked for.
 */
function hasItsPages(file: number, { meta, pageSize }: Newest): boolean {
  const pages = BigInt(Math.floor(fstatSync(file).size / pageSize))
  if (meta.lastPage < pages) return true
  const waiting = meta.roots.filter((root) => root !== NO_PAGE)
  // What is no tree may refer to itself; no tree has more pages than the file.
  for (let looked = 0n; waiting.length > 0; looked++) {
    const page = waiting.pop() as bigint
    if (page >= pages || looked > pages) return false
    for (const { first, count, isTree } of references(read(file, Number(page) * pageSize, pageSize))) {
      if (first + count > pages) return false
      if (isTree) waiting.push(first)
    }
  }
  return true
}

interface Reference {
  readonly first: bigint
  readonly count: bigint
  readonly isTree: boolean
}

/** What a page of a tree refers to: other pages of trees, and the pages that a large value takes. */
function references(page: Buffer): Reference[] {
  const isBranch = (page.readUInt16LE(18) & BRANCH) !== 0
  const nodes = page.readUInt16LE(20) >> 1
  const found: Reference[] = []
  for (let i = 0; i < nodes; i++) {
    const node = PAGE_HEADER + page.readUInt16LE(PAGE_HEADER + 2 * i)
    const flags = page.readUInt16LE(node + 4)
    const data = node + 8 + page.readUInt16LE(node + 6)
    if (isBranch) {
      found.push({ first: BigInt(page.readUInt32LE(node)) + (BigInt(flags) << 32n), count: 1n, isTree: true })
    } else if ((flags & BIG_DATA) !== 0) {
      found.push({ first: page.readBigUInt64LE(data), count: page.readBigUInt64LE(data + 16), isTree: false })
    } else if ((flags & SUB_TREE) !== 0) {
      const root = page.readBigUInt64LE(data + TREE_ROOT)
      if (root !== NO_PAGE) found.push({ first: root, count: 1n, isTree: true })
    }
  }
  return found
}

function read(file: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  return buffer.subarray(0, readSync(file, buffer, 0, bytes, position))
}

const foreign = (dir: string, what: string): StoreError =>
  new StoreError(
    'foreign',
    `data.mdb in ${dir} ${what}. Choose another directory for the log; nothing was changed in this one.`,
  )

const cutShort = (dir: string): StoreError =>
  new StoreError(
    'damaged',
    `The log in ${dir} was cut short: data.mdb lacks pages that it refers to, as after a copy that was interrupted. Restore the directory from a backup, or move it away to start an empty log.`,
  )
