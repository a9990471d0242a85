/**
 * Schemas of `data`: any library that speaks Standard JSON Schema (Zod from 4.2, ArkType, Valibot), or plain JSON Schema
 * 2020-12. Both are checked with ajv, so that what is documented is what is enforced; a Standard Schema's own validation
 * runs after it, for refinements that JSON Schema can't express. What is stored is the data as it was sent.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { Json } from '@watchpost/protocol'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import ajvFormats from 'ajv-formats'
import { flatSchema } from './flat-schema.ts'
import { pointerTo } from './pointer.ts'

/** JSON Schema 2020-12, as an object. */
export interface JsonSchema {
  readonly [keyword: string]: unknown
  readonly '~standard'?: never
}

/** A schema of a validation library. */
export interface StandardSchema {
  readonly '~standard': StandardSchemaV1.Props & StandardJSONSchemaV1.Props
}

export type Schema = StandardSchema | JsonSchema

/** Marks an event type whose events are told to those who watch right now, and not stored [WP-9.3]. */
export interface EphemeralSchema {
  readonly ephemeral: true
  readonly schema: Schema
}

/** What an event type is defined by. */
export type EventSchema = Schema | EphemeralSchema

/** The type of `data` under a schema: what the library infers, or any JSON for plain JSON Schema. */
export type DataOf<S> = S extends { readonly ephemeral: true; readonly schema: infer Marked }
  ? DataOf<Marked>
  : S extends { readonly '~standard': { readonly types?: infer T } }
    ? NonNullable<T> extends { readonly input: infer Input }
      ? Input
      : Json
    : Json

export interface DataFault {
  /** A JSON Pointer below `data`. */
  readonly path: string
  readonly message: string
}

export interface CompiledSchema {
  /** As it was written. */
  readonly json: JsonSchema
  /** The same, with a JSON Pointer from its root in place of each reference within it, and no names of its own. */
  readonly flat: JsonSchema
  /** Whether events of the type are not stored. */
  readonly ephemeral: boolean
  /** What is wrong with a value; empty if nothing is. */
  faults(data: Json): readonly DataFault[]
}

// A typo in hand-written JSON Schema would otherwise be a rule that is silently never applied; what libraries generate
// may hold formats that ajv doesn't know, beside a pattern that it does.
// No schema is added to a compiler: a second one with the same `$id`, of another topic or server, would be refused.
// Schemas are validated as they were written, before they are made flat, so not again when they are compiled.
const compilers = {
  plain: new Ajv2020({
    allErrors: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    addUsedSchema: false,
    validateSchema: false,
  }),
  generated: new Ajv2020({
    allErrors: true,
    strict: false,
    logger: false,
    addUsedSchema: false,
    validateSchema: false,
  }),
}
for (const ajv of Object.values(compilers)) ajvFormats.default(ajv)

/** Of every flat schema: without one, ajv does not know what `#` is in a schema that is not added to it. */
const FLAT_ID = 'schema:/flat'

/** @throws Error that says what is wrong with the schema */
export function compileSchema(schema: EventSchema): CompiledSchema {
  if (isEphemeral(schema)) return { ...compileMarked(schema), ephemeral: true }
  if (!isStandard(schema)) {
    const { flat, validate } = validatorOf(schema, compilers.plain)
    return { json: schema, flat, ephemeral: false, faults: (data) => ajvFaults(validate, data) }
  }
  const standard = schema['~standard']
  const json: JsonSchema = standard.jsonSchema.input({ target: 'draft-2020-12' })
  const { flat, validate } = validatorOf(json, compilers.generated)
  return {
    ...{ json, flat, ephemeral: false },
    faults: (data) => {
      const faults = ajvFaults(validate, data)
      return faults.length > 0 ? faults : standardFaults(standard.validate(data))
    },
  }
}

/** @throws Error */
function validatorOf(json: JsonSchema, ajv: Ajv2020): Pick<CompiledSchema, 'flat'> & { validate: ValidateFunction } {
  void ajv.validateSchema(json, true)
  const flat = flatSchema(json, (base, reference) => ajv.opts.uriResolver.resolve(base, reference))
  try {
    const validate: ValidateFunction = ajv.compile({ $id: FLAT_ID, ...flat })
    // What has no parts meets only what applies to the value itself, so a schema that never gets further shows here.
    validate(null)
    return { flat, validate }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const fault = 'the schema refers to itself without end: no member or element is between it and its $ref'
    throw new Error(fault, { cause: error })
  }
}

/** JSON Schema has no keyword of that name, and libraries' schemas no such member. */
const isEphemeral = (schema: EventSchema): schema is EphemeralSchema => Object.hasOwn(schema, 'ephemeral')

function compileMarked({ ephemeral, schema, ...others }: EphemeralSchema): CompiledSchema {
  const marked: unknown = ephemeral
  const [other] = Object.keys(others)
  if (marked !== true || schema === undefined || other !== undefined) {
    const what = other === undefined ? '' : `, without ${JSON.stringify(other)} beside them`
    throw new Error(
      `an ephemeral type is written { "ephemeral": true, "schema": ... }${what}; else give its schema alone`,
    )
  }
  return compileSchema(schema)
}

function isStandard(schema: Schema): schema is StandardSchema {
  const standard: unknown = schema['~standard']
  if (standard === undefined) return false
  if (typeof standard === 'object' && standard !== null && 'jsonSchema' in standard) return true
  throw new Error('the schema library does not speak Standard JSON Schema; Zod does from version 4.2 on')
}

/** Of one value; data may have as many faults as it has members. */
const FAULTS_MAX = 100

function ajvFaults(validate: ValidateFunction, data: Json): readonly DataFault[] {
  if (validate(data)) return []
  return (validate.errors ?? [])
    .slice(0, FAULTS_MAX)
    .map((error) => ({ path: error.instancePath, message: messageOf(error) }))
}

function messageOf(error: ErrorObject): string {
  const message = error.message ?? `fails "${error.keyword}"`
  if (error.keyword === 'additionalProperties') {
    return `${message}: ${JSON.stringify((error.params as { additionalProperty: unknown }).additionalProperty)}`
  }
  if (error.keyword === 'enum') {
    return `${message}: ${JSON.stringify((error.params as { allowedValues: unknown }).allowedValues)}`
  }
  return message
}

function standardFaults(
  result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>,
): readonly DataFault[] {
  if (result instanceof Promise) {
    result.catch(() => undefined)
    throw new TypeError('a schema of events validates asynchronously; use refinements that answer at once')
  }
  return (result.issues ?? []).map((issue) => ({ path: issuePath(issue), message: issue.message }))
}

const issuePath = (issue: StandardSchemaV1.Issue): string =>
  pointerTo(...(issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)))
