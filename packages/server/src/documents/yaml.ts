/** Writes documents as YAML, piece by piece. */
import {
  type CreateNodeOptions,
  Document,
  type DocumentOptions,
  Scalar,
  type ScalarTag,
  type SchemaOptions,
  type ToStringOptions,
  visit,
} from 'yaml'
import { type Making, Members } from './members.ts'

const STEP = '  '

/** To YAML 1.1, `=` is none of the texts. */
const VALUE: ScalarTag = { tag: 'tag:yaml.org,2002:value', default: true, test: /^=$/, resolve: (text) => text }

/**
 * Texts that YAML 1.1 takes for something else, such as `no` and `12:30`, are in quotes, since many readers still do; lines
 * are as long as they are, and what is there twice is written twice.
 */
const OPTIONS: DocumentOptions & SchemaOptions & CreateNodeOptions & ToStringOptions = {
  ...{ compat: 'yaml-1.1', customTags: (tags) => [...tags, VALUE] },
  ...{ lineWidth: 0, aliasDuplicateObjects: false, indent: STEP.length },
}

/** A text of YAML; an empty piece is where nothing is to be written yet. */
export const yamlOf = (making: Making): Generator<string, void, undefined> => membersText(making, '', '')

/**
 * The members of an object, a line or more for each.
 * @param opening what comes before the first one
 */
function* membersText(making: Making, indent: string, opening: string): Generator<string, void, undefined> {
  let before = opening
  let isEmpty = true
  for (const member of making) {
    // A member that is undefined is none, as JSON has it.
    if (member?.[1] === undefined) {
      yield ''
      continue
    }
    isEmpty = false
    const [name, value] = member
    if (value instanceof Members) {
      yield `${before}${textOf({ [name]: 0 }, indent).slice(0, -' 0\n'.length)}`
      yield* membersText(value.making, `${indent}${STEP}`, '\n')
    } else yield `${before}${textOf({ [name]: value }, indent)}`
    before = ''
  }
  if (isEmpty) yield ' {}\n'
}

/** Where a text of several lines would lose a blank, or be taken to be indented by it. */
const BLANK_EDGE = /^\s|\s$/

function textOf(object: object, indent: string): string {
  const document = new Document(object, OPTIONS)
  visit(document, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value === 'string' && BLANK_EDGE.test(scalar.value)) scalar.type = Scalar.QUOTE_DOUBLE
    },
  })
  // A text of several lines has empty ones, which need no indent.
  const lines = document.toString(OPTIONS).split('\n')
  return lines.map((line) => (line === '' ? line : `${indent}${line}`)).join('\n')
}
