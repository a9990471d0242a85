/** Writes documents as JSON, piece by piece. */
import { type Making, Members } from './members.ts'

/** The pieces of the text; an empty one is where nothing is to be written yet. */
export function* jsonOf(making: Making): Generator<string, void, undefined> {
  let before = '{'
  for (const member of making) {
    // A member that is undefined is none, as JSON has it.
    if (member?.[1] === undefined) {
      yield ''
      continue
    }
    const [name, value] = member
    const head = `${before}${JSON.stringify(name)}:`
    before = ','
    if (value instanceof Members) {
      yield head
      yield* jsonOf(value.making)
    } else yield `${head}${JSON.stringify(value)}`
  }
  yield before === '{' ? '{}' : '}'
}
