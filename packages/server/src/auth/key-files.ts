/** The public keys that the configuration names: in files, or written out. */
import { readFileSync } from 'node:fs'
import { ConfigError } from '../config/check.ts'
import { isObject } from '../config/checkers.ts'
import { jwkKey, pemKey, type VerifyKey } from './keys.ts'
import type { Jwks, JwtIssuer } from './options.ts'

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g

/** @throws ConfigError that names the file, and what is wrong in it */
export function configuredKeys(keys: NonNullable<JwtIssuer['keys']>): readonly VerifyKey[] {
  const sources = (Array.isArray(keys) ? keys : [keys]) as readonly (string | Jwks)[]
  return sources.flatMap((source, index) => {
    if (typeof source !== 'string') return keysOf(source, 'auth.jwt.keys')
    const isText = source.includes('-----BEGIN ')
    const name = isText ? 'auth.jwt.keys' : source
    const text = isText ? source : read(source, Array.isArray(keys) ? `auth.jwt.keys[${index}]` : 'auth.jwt.keys')
    return text.includes('-----BEGIN ') ? pemKeys(text, name) : keysOf(parse(text, name), name)
  })
}

/** What can't be read may be no path but a key itself, so it is not quoted. */
function read(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException
    throw new ConfigError([
      `${setting}: the file that it names can not be read (${code}); check its path and its rights`,
    ])
  }
}

function pemKeys(text: string, name: string): readonly VerifyKey[] {
  const blocks = text.match(PEM) ?? []
  if (blocks.length === 0) throw new ConfigError([`${name}: holds no whole PEM block`])
  return blocks.map((block) => made(() => pemKey(block), name))
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigError([`${name}: is neither PEM nor a JWK or JWK set in JSON`])
  }
}

/** Of a set that is written by hand every key is meant, so one that can't be used is a mistake. */
function keysOf(value: unknown, name: string): readonly VerifyKey[] {
  const list = isObject(value) && Array.isArray(value['keys']) ? (value['keys'] as readonly unknown[]) : [value]
  if (list.length === 0) throw new ConfigError([`${name}: holds no keys`])
  return list.map((jwk) => {
    if (!isObject(jwk)) throw new ConfigError([`${name}: holds something that is no JWK`])
    return made(() => jwkKey(jwk), name)
  })
}

function made(make: () => VerifyKey, name: string): VerifyKey {
  try {
    return make()
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError([`${name}: ${error.message}`])
    throw error
  }
}
