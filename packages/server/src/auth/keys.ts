/** Keys that signatures are checked with, each with the algorithms that suit it, so that none is used for another. */
import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import type { Unverified } from './compact.ts'
import { type Algorithm, type Jwks, RSA_ALGORITHMS, SECRET_ALGORITHMS } from './options.ts'

/** The hash of HS256, and the least that a secret may have. */
export const SECRET_BYTES_MIN = 32

const RSA_BITS_MIN = 2_048

/** What a set of keys may hold; what is beyond is not looked at. */
const KEYS_MAX = 100

/** Keys without a name of their own that are tried for one token. */
const TRIED_MAX = 8

export interface VerifyKey {
  readonly key: KeyObject
  /** The `kid` of tokens that it is for; absent if it has none, and may be for any. */
  readonly keyId?: string
  readonly algorithms: readonly Algorithm[]
}

/** The keys that may have signed a token: those of its `kid`, else those without any. */
export function keysFor(
  keys: readonly VerifyKey[],
  { algorithm, keyId }: Pick<Unverified, 'algorithm' | 'keyId'>,
): readonly VerifyKey[] {
  const suiting = keys.filter(({ algorithms }) => (algorithms as readonly string[]).includes(algorithm))
  if (keyId === undefined) return suiting.slice(0, TRIED_MAX)
  const named = suiting.filter((key) => key.keyId === keyId)
  const others = suiting.filter((key) => key.keyId === undefined)
  return (named.length > 0 ? named : others).slice(0, TRIED_MAX)
}

/** A secret is at least as long as its algorithm's hash (RFC 7518, section 3.2). */
export const secretBytesMin = (algorithm: string): number => Number(algorithm.slice(2)) / 8

/** Of a secret that is long enough for one algorithm at least. */
export function secretKey(secret: string): VerifyKey {
  const bytes = Buffer.from(secret)
  const algorithms = SECRET_ALGORITHMS.filter((name) => bytes.length >= secretBytesMin(name))
  return { key: createSecretKey(bytes), algorithms }
}

/**
 * A public key of a PEM text or certificate.
 * @throws RangeError that says what is wrong with it, and nothing of what it holds
 */
export function pemKey(pem: string): VerifyKey {
  if (pem.includes('PRIVATE KEY')) throw new RangeError('holds a private key; only its public half belongs here')
  return suited(() => createPublicKey(pem))
}

/**
 * A public key of a JWK.
 * @throws RangeError that says what is wrong with it, and nothing of what it holds
 */
export function jwkKey(jwk: Jwks): VerifyKey {
  const { kid, use, key_ops: operations, alg } = jwk
  if (jwk['kty'] === 'oct' || 'd' in jwk || 'k' in jwk) {
    throw new RangeError('holds a private key or a secret; only public keys belong here')
  }
  if (use !== undefined && use !== 'sig') throw new RangeError('is not for signatures, as its "use" says')
  if (Array.isArray(operations) && !operations.includes('verify')) {
    throw new RangeError('is not for checking signatures, as its "key_ops" say')
  }
  const { key, algorithms } = suited(() => createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' }))
  const allowed = algorithms.filter(
    (name) => alg === undefined || alg === name || (alg === 'Ed25519' && name === 'EdDSA'),
  )
  if (allowed.length === 0) throw new RangeError('is for an algorithm that is not known, or not of its kind')
  return { key, algorithms: allowed, ...(typeof kid === 'string' && { keyId: kid }) }
}

/** The keys of a set that can be used; others are none of ours, such as those for encryption (RFC 7517, section 5). */
export function jwkSetKeys(value: unknown): readonly VerifyKey[] | undefined {
  const { keys } = (value ?? {}) as { readonly keys?: unknown }
  if (!Array.isArray(keys)) return undefined
  return keys.slice(0, KEYS_MAX).flatMap((jwk: unknown) => {
    if (typeof jwk !== 'object' || jwk === null) return []
    try {
      return [jwkKey(jwk as Jwks)]
    } catch {
      return []
    }
  })
}

function suited(create: () => KeyObject): VerifyKey {
  let key: KeyObject
  try {
    key = create()
  } catch {
    // What the library says can quote what it was given.
    throw new RangeError('holds no public key that can be read, as PEM, certificate or JWK')
  }
  const algorithms = algorithmsOf(key)
  if (algorithms.length > 0) return { key, algorithms }
  throw new RangeError(`must be RSA of at least ${RSA_BITS_MIN} bits, EC on P-256, P-384 or P-521, or Ed25519`)
}

const CURVES: Readonly<Record<string, Algorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }

function algorithmsOf({ asymmetricKeyType: kind, asymmetricKeyDetails: details }: KeyObject): readonly Algorithm[] {
  if (kind === 'ed25519') return ['EdDSA']
  if (kind === 'rsa') {
    const isStrong = (details?.modulusLength ?? 0) >= RSA_BITS_MIN
    return isStrong ? RSA_ALGORITHMS : []
  }
  const ofCurve = kind === 'ec' ? CURVES[details?.namedCurve ?? ''] : undefined
  return ofCurve === undefined ? [] : [ofCurve]
}
