/** What alternatives say beside their members, elements and bounds: keywords that are compared as wholes. */
import { BOUNDS } from './bounds.ts'
import { isAssertion, isKeywords, type Keywords, listIn, type TypeName } from './keywords.ts'
import type { Placed } from './placed.ts'

/** One such keyword. */
export interface Rule {
  readonly keyword: string
  /** A schema of this keyword alone, with those that it means nothing without. */
  readonly placed: Placed & { readonly schema: Keywords }
  /** Of `contains`, how many there are at least or at most. */
  readonly count?: number
}

/** Keywords that are read by themselves. */
const READ: ReadonlySet<string> = new Set([
  ...['type', 'enum', 'const', 'required', 'properties', 'patternProperties', 'additionalProperties', 'prefixItems'],
  ...['items', 'additionalItems', '$ref', 'allOf', 'anyOf', 'then', 'else', 'minContains', 'maxContains'],
])

/** Types that a keyword is about; others are about all. */
const ABOUT: Readonly<Record<string, readonly TypeName[]>> = {
  ...{ pattern: ['string'], format: ['string', 'number', 'integer'], multipleOf: ['number', 'integer'] },
  ...{ uniqueItems: ['array'], contains: ['array'], unevaluatedItems: ['array'], unevaluatedProperties: ['object'] },
  ...{ propertyNames: ['object'], dependentRequired: ['object'], dependentSchemas: ['object'] },
  ...{ dependencies: ['object'] },
}

/** The rules of a schema for values of a type. */
export function rulesOf(keywords: Keywords, root: unknown, type: TypeName): readonly Rule[] {
  return Object.entries(keywords).flatMap(([keyword, value]): readonly Rule[] => {
    const isRule = isAssertion(keyword) && !READ.has(keyword) && !BOUNDS.has(keyword)
    if (!isRule || !(ABOUT[keyword]?.includes(type) ?? true)) return []
    const rule = (schema: Keywords, more: { readonly count?: number } = {}): Rule => ({
      ...{ keyword, placed: { schema, root } },
      ...more,
    })
    const alone = { [keyword]: value }
    switch (keyword) {
      case 'contains':
        return containsRules(keywords, root)
      case 'if':
        return 'then' in keywords || 'else' in keywords ? [rule(conditionOf(keywords))] : []
      case 'uniqueItems':
        return value === true ? [rule(alone)] : []
      // What they are about depends on all that stands beside them.
      case 'unevaluatedItems':
      case 'unevaluatedProperties':
        return value === true ? [] : [rule(keywords)]
      default:
        return [rule(alone)]
    }
  })
}

const conditionOf = (keywords: Keywords): Keywords =>
  Object.fromEntries(['if', 'then', 'else'].map((name) => [name, keywords[name] ?? true]))

function containsRules({ contains, minContains = 1, maxContains }: Keywords, root: unknown): readonly Rule[] {
  const rule = (keyword: string, count: number): Rule => ({ keyword, placed: { schema: { contains }, root }, count })
  return [
    ...(typeof minContains === 'number' && minContains > 0 ? [rule('contains', minContains)] : []),
    ...(typeof maxContains === 'number' ? [rule('maxContains', maxContains)] : []),
  ]
}

/** The schemas of `oneOf`, each where it stands. */
export const choicesOf = ({ placed: { schema, root } }: Rule): readonly Placed[] =>
  listIn(schema, 'oneOf').map((each) => ({ schema: each, root }))

/** The schema of `not`. */
export const excludedBy = ({ placed: { schema, root } }: Rule): Placed => ({ schema: schema['not'], root })

/** Whether nothing is left, as `not` leaves nothing of anything. */
export const leavesNothing = ({ keyword, placed: { schema } }: Rule): boolean => {
  const { not } = schema
  return keyword === 'not' && (not === true || (isKeywords(not) && !Object.keys(not).some(isAssertion)))
}
