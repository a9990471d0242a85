/** Bounds such as `minimum` and `maxLength`: what they leave of each other. */
import type { TypeName } from './keywords.ts'

/** Bounds by keyword. */
export type Bounds = Readonly<Record<string, number>>

/** Each lower bound with its upper one, and the types that they are about. */
const FAMILIES: readonly (readonly [lower: string, upper: string, types: readonly TypeName[]])[] = [
  ['minimum', 'maximum', ['number', 'integer']],
  ['exclusiveMinimum', 'exclusiveMaximum', ['number', 'integer']],
  ['minLength', 'maxLength', ['string']],
  ['minItems', 'maxItems', ['array']],
  ['minProperties', 'maxProperties', ['object']],
]

/** All of their keywords. */
export const BOUNDS: ReadonlySet<string> = new Set(FAMILIES.flatMap(([lower, upper]) => [lower, upper]))

const isLower = (keyword: string): boolean => FAMILIES.some(([lower]) => lower === keyword)

/** Whether a bound is about values of a type. */
export const isAbout = (keyword: string, type: TypeName): boolean =>
  FAMILIES.some(([lower, upper, types]) => (lower === keyword || upper === keyword) && types.includes(type))

/** What both leave. */
export function tightest(one: Bounds, other: Bounds): Bounds {
  const merged: Record<string, number> = { ...one }
  for (const [keyword, bound] of Object.entries(other)) {
    const before = merged[keyword] ?? bound
    merged[keyword] = isLower(keyword) ? Math.max(before, bound) : Math.min(before, bound)
  }
  return merged
}

/** Of whole numbers: bounds that are values themselves. */
export function whole({ exclusiveMinimum, exclusiveMaximum, ...bounds }: Bounds): Bounds {
  return tightest(
    { ...bounds },
    {
      ...(exclusiveMinimum !== undefined && { minimum: Math.floor(exclusiveMinimum) + 1 }),
      ...(exclusiveMaximum !== undefined && { maximum: Math.ceil(exclusiveMaximum) - 1 }),
    },
  )
}

/** Whether all that keeps these bounds keeps a further one. */
export function keeps(bounds: Bounds, keyword: string, bound: number): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = bounds
  switch (keyword) {
    case 'minimum':
      return Math.max(minimum, exclusiveMinimum) >= bound
    case 'maximum':
      return Math.min(maximum, exclusiveMaximum) <= bound
    case 'exclusiveMinimum':
      return exclusiveMinimum >= bound || minimum > bound
    case 'exclusiveMaximum':
      return exclusiveMaximum <= bound || maximum < bound
    default:
      return isLower(keyword) ? (bounds[keyword] ?? 0) >= bound : (bounds[keyword] ?? Infinity) <= bound
  }
}

/** Whether nothing keeps all of them. */
export function areContrary(bounds: Bounds): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = bounds
  if (exclusiveMinimum >= Math.min(maximum, exclusiveMaximum) || exclusiveMaximum <= minimum) return true
  return FAMILIES.some(([lower, upper]) => (bounds[lower] ?? -Infinity) > (bounds[upper] ?? Infinity))
}

/** More places than these are not cut at. */
const CUTS_MAX = 32

/**
 * Bounds cut into several at the places where others begin and end; together they leave what the one did. What one
 * alternative does not contain, several may, such as 0 to 10 in 0 to 5 and 5 to 10.
 */
export function cut(bounds: Bounds, type: TypeName, others: readonly Bounds[]): readonly Bounds[] {
  const [family] = FAMILIES.filter(([, , types]) => types.includes(type))
  if (family === undefined) return [bounds]
  const [lower, upper] = family
  const places = others.flatMap((other) => Object.entries(other).flatMap(([, place]) => [place]))
  let pieces: readonly Bounds[] = [bounds]
  for (const place of [...new Set(places)].slice(0, CUTS_MAX)) {
    const parts =
      lower === 'minimum'
        ? [{ exclusiveMaximum: place }, { minimum: place, maximum: place }, { exclusiveMinimum: place }]
        : [{ [upper]: place - 1 }, { [lower]: place, [upper]: place }, { [lower]: place + 1 }]
    pieces = pieces
      .flatMap((piece) => parts.map((part) => tightest(piece, part as Bounds)))
      .filter(
        (piece) => !areContrary(piece) && !(piece[upper] !== undefined && lower !== 'minimum' && piece[upper] < 0),
      )
  }
  return pieces
}
