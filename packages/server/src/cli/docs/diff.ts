/** `watchpost docs diff`: what changed between two documents, and whom it breaks. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { changesBetween } from '../../documents/diff/compare.ts'
import { type Change, type Contract, contractOf } from '../../documents/diff/contract.ts'
import { CliFailure, describeFailure, usageFailure } from '../failure.ts'
import { printable, write } from '../terminal.ts'

/** @throws CliFailure (usage) for documents that can't be compared; CliFailure if a change breaks anybody */
export async function diff(before: string, after: string): Promise<void> {
  const [old, current] = [await readContract(before), await readContract(after)]
  if (old.kind !== current.kind) {
    throw usageFailure(`${before} is ${old.kind}, and ${after} is ${current.kind}; give two documents of one kind`)
  }
  const changes = comparable(old, current)
  await write(changes.map((change) => `${lineOf(change)}\n`).join(''))
  const broken = changes.filter(({ breaks }) => breaks !== undefined).length
  if (broken > 0) throw new CliFailure(`${broken} of ${changes.length} changes break watchers or publishers`)
  if (changes.length === 0) await write('Nothing changed that concerns watchers or publishers.\n')
}

function lineOf({ breaks, text }: Change): string {
  return printable(`${breaks === undefined ? 'Breaks nobody' : `Breaks ${breaks}`}: ${text}`)
}

async function readContract(file: string): Promise<Contract> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw usageFailure(describeFailure(error, file))
  })
  if (text.trim() === '') throw usageFailure(`${file}: it is empty`)
  try {
    return contractOf(documentIn(file, text))
  } catch (error) {
    throw usageFailure(`${file}: ${(error as Error).message}`)
  }
}

/** JSON is YAML too, but a reader of that takes many times as long. @throws Error that says where it is neither */
function documentIn(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (/\.json$/i.test(file)) throw new Error(`it is no JSON: ${(error as Error).message}`, { cause: error })
    return parse(text, { maxAliasCount: 0 })
  }
}

/** Schemas are looked into only now. */
function comparable(before: Contract, after: Contract): readonly Change[] {
  try {
    return changesBetween(before, after)
  } catch (error) {
    if (error instanceof RangeError) throw usageFailure(`the documents can't be compared: ${error.message}`)
    throw error
  }
}
