/** Small JSON files that remember how far a command came. They are replaced whole, so that a crash leaves the old or the new one. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { CliFailure } from './failure.ts'

/** What the file holds, or `undefined` if there is none. @throws CliFailure if it is not one of ours */
export function readCheckpoint(path: string): object | undefined {
  const text = readText(path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as object
  } catch {
    throw new CliFailure(`${path} is damaged; remove it to start anew`)
  }
}

export const writeCheckpoint = (path: string, state: object): void => replaceFile(path, `${JSON.stringify(state)}\n`)

export const removeCheckpoint = (path: string): void => rmSync(path, { force: true })

/** The text of a file, or `undefined` if there is none. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export function replaceFile(path: string, text: string): void {
  const fresh = `${path}.new`
  writeFileSync(fresh, text)
  renameSync(fresh, path)
}
