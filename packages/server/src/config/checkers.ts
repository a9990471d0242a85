/** Small checkers that tables of a configuration are made of. Each reports what is wrong and how to mend it. */
import { distance } from 'fastest-levenshtein'

/**
 * Takes a fault; `path` is where it is, such as `topics.stocks.retention`, and empty at the top. What was found there is
 * apart from the message, so that it can be left out where it may be a secret.
 */
export type Report = (path: string, message: string, found?: Found) => void

/** A value that does not fit, and what was probably meant. */
export interface Found {
  readonly value: unknown
  readonly hint?: string
}

export type Check = (value: unknown, path: string, report: Report) => void

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A value as a message shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** A fault as a line of text. */
export function faultText(path: string, message: string, found?: Found): string {
  const where = path === '' ? '' : `${path} `
  return `${where}${message}${found === undefined ? '' : `, not ${shown(found.value)}${found.hint ?? ''}`}`
}

/** The check of what may hold a secret, also by mistake: no value that does not fit is ever shown. */
export const concealed =
  (check: Check): Check =>
  (value, path, report) =>
    check(value, path, (where, message) => report(where, message))

/** A member's path, in the way that JavaScript writes it. */
export function below(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`
  return path === '' ? name : `${path}.${name}`
}

/** A whole number; both bounds are included. */
export const whole =
  (min: number, max: number = Number.MAX_SAFE_INTEGER): Check =>
  (value, path, report) => {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return
    const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`
    report(path, `must be a whole number ${bounds}`, { value })
  }

/** A string that is not empty; `what` says what it should hold. */
export const text =
  (what: string): Check =>
  (value, path, report) => {
    if (typeof value !== 'string' || value === '') report(path, `must be ${what}`, { value })
  }

export const oneOf =
  (words: readonly string[]): Check =>
  (value, path, report) => {
    if (typeof value === 'string' && words.includes(value)) return
    const near = typeof value === 'string' ? nearest(value, words) : undefined
    const hint = near === undefined ? '' : `; did you mean "${near}"?`
    report(path, `must be one of ${words.map((word) => `"${word}"`).join(', ')}`, { value, hint })
  }

/** A list that is not empty and repeats nothing. */
export const list =
  (element: Check): Check =>
  (value, path, report) => {
    if (!Array.isArray(value) || value.length === 0) {
      report(path, 'must be a list with at least one element', { value })
      return
    }
    for (const [index, each] of (value as readonly unknown[]).entries()) {
      const first = value.indexOf(each)
      if (first < index) report(`${path}[${index}]`, `repeats ${path}[${first}]; name it once`)
      else element(each, `${path}[${index}]`, report)
    }
  }

/** The members of an object. Those of `later` are known to later versions, and refused. */
export interface Shape {
  readonly members: Readonly<Record<string, Check>>
  readonly required?: readonly string[]
  readonly later?: readonly string[]
  /** What is looked for here, but is a member of that member. */
  readonly inside?: Readonly<Record<string, string>>
}

/** An object whose every key is known. `undefined` counts as absent. */
export const shape =
  ({ members, required = [], later = [], inside = {} }: Shape): Check =>
  (value, path, report) => {
    if (!isObject(value)) {
      report(path, 'must be an object', { value })
      return
    }
    for (const name of required) {
      if (value[name] === undefined) report(path, `needs ${JSON.stringify(name)}`)
    }
    for (const [name, member] of Object.entries(value)) {
      const check = Object.hasOwn(members, name) ? members[name] : undefined
      // What a later version would protect must not be open in this one because a key was passed over.
      if (later.includes(name)) report(below(path, name), 'is not available in this version; remove it')
      else if (Object.hasOwn(inside, name)) {
        report('', `unknown key ${JSON.stringify(name)}; write it in ${inside[name]}, as ${inside[name]}.${name}`)
      } else if (check === undefined) report('', unknownKey(name, path, Object.keys(members)))
      else if (member !== undefined) check(member, below(path, name), report)
    }
  }

function unknownKey(name: string, path: string, known: readonly string[]): string {
  const near = nearest(name, known)
  const where = path === '' ? '' : ` in ${path}`
  const hint = near === undefined ? `; known are ${known.join(', ')}` : `; did you mean "${near}"?`
  return `unknown key ${JSON.stringify(name)}${where}${hint}`
}

/** The known word that is most like another one, if any is like it at all. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((word) => ({ word, far: distance(name.toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
  const best = ranked[0]
  return best !== undefined && best.far <= Math.max(2, Math.floor(best.word.length / 2)) ? best.word : undefined
}
