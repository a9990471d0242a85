/** What a fault of containment means to watchers and to publishers, as a sentence. */
import type { Fault, Side } from './faults.ts'

/** A sentence without its place and full stop. `place` is a JSON Pointer into the event. */
export interface Worded {
  readonly place: string
  readonly text: string
}

/** Words a fault: to watchers the inner schema is the new one, to publishers the old one. */
export function worded(fault: Fault, side: Side): Worded {
  const name = 'name' in fault ? `/${fault.name}` : ''
  return { place: `${fault.path}${name}`, text: side === 'watchers' ? toWatchers(fault) : toPublishers(fault) }
}

function toWatchers(fault: Fault): string {
  switch (fault.kind) {
    case 'type':
      return `can be ${typeName(fault.type)} now, and was ${listed(fault.allowed.map(typeName)) || 'nothing'}`
    case 'value':
      return `can be ${JSON.stringify(fault.value)} now, and was ${listed(fault.allowed.map(quoted))}`
    case 'any value':
      return `can be any ${bareName(fault.type)} now, and was ${listed(fault.allowed.map(quoted))}`
    case 'required':
      return 'may be missing now, and was always there'
    case 'undescribed':
      return 'is no longer described: it may be missing, or anything'
    case 'bound':
      return `has ${bound(fault.keyword, fault.inner)} now, and had ${bound(fault.keyword, fault.outer)}`
    case 'rule':
      return fault.isUnsure
        ? `may no longer keep to the \`${fault.keyword}\` that it had, which can't be told from the schemas`
        : `no longer keeps to the \`${fault.keyword}\` that it had`
    case 'unclear':
      return `may be other than it was, which can't be told: ${fault.reason}`
    // Watchers ignore members that they do not know, so containment does not tell these to them.
    case 'unnamed':
    case 'closed':
      return 'can have members now that it did not have'
  }
}

function toPublishers(fault: Fault): string {
  switch (fault.kind) {
    case 'type':
      return `must be ${listed(fault.allowed.map(typeName)) || 'absent'} now, and could be ${typeName(fault.type)}`
    case 'value':
      return `must be ${listed(fault.allowed.map(quoted))} now, and could be ${JSON.stringify(fault.value)}`
    case 'any value':
      return `must be ${listed(fault.allowed.map(quoted))} now, and could be any ${bareName(fault.type)}`
    case 'required':
      return 'must be given now, and could be left out'
    case 'unnamed':
      return 'is refused now, and was taken'
    case 'closed':
      return 'takes no members now beside those that are named'
    case 'undescribed':
      return 'is described now'
    case 'bound':
      return `must have ${bound(fault.keyword, fault.outer)} now, and had ${bound(fault.keyword, fault.inner)}`
    case 'rule':
      return fault.isUnsure
        ? `must keep to a \`${fault.keyword}\` now that it may not have kept to, which can't be told from the schemas`
        : `must keep to a \`${fault.keyword}\` now that it did not have`
    case 'unclear':
      return `may be refused now where it was taken, which can't be told: ${fault.reason}`
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: 'an array',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  object: 'an object',
  string: 'a string',
}

const typeName = (type: string): string => TYPE_NAMES[type] ?? type

/** Without an article. */
const bareName = (type: string): string => (type === 'boolean' ? type : typeName(type).replace(/^an? /, ''))

const quoted = (value: unknown): string => JSON.stringify(value)

const bound = (keyword: string, value: number | undefined): string =>
  value === undefined ? `no \`${keyword}\`` : `\`${keyword}\` ${value}`

/** More than these are not told one by one. */
const LISTED_MAX = 8

function listed(words: readonly string[]): string {
  const shown = [...words.slice(0, LISTED_MAX)]
  const last = words.length > LISTED_MAX ? 'one of others' : shown.pop()
  return shown.length === 0 ? (last ?? '') : `${shown.join(', ')} or ${last}`
}
