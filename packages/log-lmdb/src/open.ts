/** Opens a store, and says what is wrong if it can't be opened. */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb'
import { StoreError, storeError } from './errors.ts'
import { checkDataFile } from './header.ts'
import type { Durability } from './options.ts'
import { openTables, type Store } from './store.ts'

/** Raised whenever an older version could no longer read what a newer one writes. */
const FORMAT = 1

/** What a new store needs at once. */
const ROOM_BYTES = 262_144

/**
 * Opens the store in `dir`, and makes it if there is none.
 * @throws StoreError
 */
export async function openStore(dir: string, durability: Durability): Promise<Store> {
  try {
    mkdirSync(dir, { recursive: true })
    checkAccess(dir)
    checkRoom(dir)
    checkDataFile(dir, join(dir, 'data.mdb'))
    return await openTablesOf(dir, openEnvironment(dir, durability))
  } catch (error) {
    throw storeError(dir, error)
  }
}

function checkAccess(dir: string): void {
  accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK)
  for (const name of ['data.mdb', 'lock.mdb', 'advanced']) {
    const path = join(dir, name)
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK)
  }
}

// LMDB maps its lock file for writing, so a process that makes one on a full disk dies of SIGBUS instead of being told.
function checkRoom(dir: string): void {
  if (existsSync(join(dir, 'lock.mdb'))) return
  const path = join(dir, `room-${process.pid}`)
  try {
    writeFileSync(path, Buffer.alloc(ROOM_BYTES))
  } finally {
    rmSync(path, { force: true })
  }
}

function openEnvironment(dir: string, durability: Durability): RootDatabase {
  return open({
    path: dir,
    noSubdir: false,
    // See `append.ts` for why commits don't overlap with their sync.
    overlappingSync: false,
    noMetaSync: durability === 'os',
    // A store that is mapped for writing dies of SIGBUS when the disk is full.
    useWritemap: false,
    // Else lmdb makes a promise per turn that nobody handles when a commit fails.
    eventTurnBatching: false,
  } as RootDatabaseOptionsWithPath)
}

async function openTablesOf(dir: string, root: RootDatabase): Promise<Store> {
  try {
    refuseForeign(dir, root)
    const meta = root.openDB<number | string, string>('watchpost', {})
    const epoch = identify(dir, root, meta)
    return { dir, epoch, root, meta, ...openTables(root) }
  } catch (error) {
    await root.close()
    throw error
  }
}

// `watchpost` is the first sub-database to be made, so a store that has others without it was made by someone else.
function refuseForeign(dir: string, root: RootDatabase): void {
  const names = [...root.getKeys()].map(String)
  if (names.length === 0 || names.includes('watchpost')) return
  throw new StoreError(
    'foreign',
    `${dir} holds an LMDB of another application (it has ${names.slice(0, 3).join(', ')}). Choose another directory; nothing was changed in this one.`,
  )
}

function identify(dir: string, root: RootDatabase, meta: Database<number | string, string>): string {
  const format = meta.get('format')
  if (format === undefined) {
    // Several processes may come here at once; the transaction lets the first decide.
    root.transactionSync(() => {
      if (meta.get('format') !== undefined) return
      meta.putSync('epoch', newEpoch())
      meta.putSync('format', FORMAT)
    })
  } else if (format !== FORMAT) {
    throw new StoreError(
      'newer-format',
      `The log in ${dir} has format ${format}, and this version of Watchpost knows up to ${FORMAT}. Run the newer version, or choose another directory.`,
    )
  }
  return String(meta.get('epoch'))
}

// 40 bits: two logs of one deployment don't meet, and a cursor stays short.
const newEpoch = (): string => BigInt(`0x${randomBytes(5).toString('hex')}`).toString(36)
