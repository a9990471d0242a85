/** The configuration's key `auth`: how clients say who they are, and what each of the ways grants. */
import type { Grants } from '@watchpost/core'

/** Signature algorithms that tokens may have, by the names of JWA (RFC 7518, RFC 8037). */
export type Algorithm =
  | ('HS256' | 'HS384' | 'HS512')
  | ('RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512')
  | ('ES256' | 'ES384' | 'ES512' | 'EdDSA')

export const SECRET_ALGORITHMS: readonly Algorithm[] = ['HS256', 'HS384', 'HS512']

export const RSA_ALGORITHMS: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

export const ALGORITHMS: readonly Algorithm[] = [
  ...SECRET_ALGORITHMS,
  ...RSA_ALGORITHMS,
  ...(['ES256', 'ES384', 'ES512', 'EdDSA'] as const),
]

/** A JSON Web Key (RFC 7517), or a set of them. */
export type Jwks = Readonly<Record<string, unknown>>

/** Who issues tokens, and how they are checked: by exactly one of `secret`, `keys` and `jwksUrl`. */
export interface JwtIssuer {
  /** Shared with the issuer alone, for HS256 and its kind; at least 32 bytes, and no key of a pair. Of several, any may have signed, for rotation. */
  readonly secret?: string | readonly string[]
  /** Public keys: paths of PEM or JWK files, PEM texts, or JWKs and JWK sets themselves. */
  readonly keys?: string | Jwks | readonly (string | Jwks)[]
  /** Where the issuer publishes its keys, as a JWK set. `https`, unless it is on this machine. */
  readonly jwksUrl?: string
  /** What `iss` must be. Needed if there are several issuers, since it tells them apart. */
  readonly issuer?: string
  /** One of these must be in `aud`. Without it, tokens are taken that the issuer made for others. */
  readonly audience?: string | readonly string[]
  /** Default: all that suit the keys. */
  readonly algorithms?: readonly Algorithm[]
  /** Whether a token without `exp` is refused. Default true. */
  readonly requireExpiry?: boolean
  /** How far the issuer's clock may be off. Default 5, at most 300. */
  readonly clockToleranceSeconds?: number
  /** The claim that holds grants, `{ watch: ['chat/*'], publish: ['chat/lobby'], admin: true }`. Default `watchpost`. */
  readonly grantsClaim?: string
}

/** A key that `watchpost key` made. Only its hash is here, so who reads the configuration can't use it. */
export interface ApiKey {
  /** Names the key to people; it is a part of the key itself. */
  readonly id: string
  /** `sha256:` and the hash of the whole key, as base64url. */
  readonly hash: string
  /** Who has the key. Several keys of one subject allow to change from one to the next. */
  readonly subject: string
  readonly grants: Partial<Grants>
  /** What topics with `{ scope }` ask for. Default none. */
  readonly scopes?: readonly string[]
  /** When the key ends, as RFC 3339. Default: never. */
  readonly notAfter?: string
}

/** What a client certificate grants. It is named by exactly one of `subject` and `fingerprint`, which counts first. */
export interface CertificateRights {
  /**
   * The certificate's subject in whole, in its order, such as `O=Example, CN=feed-1`, which
   * `openssl x509 -noout -subject -nameopt sep_comma_plus_space,esc_2253,utf8` prints; if it has none, its alternative
   * names, such as `URI:spiffe://example/feed-1`. It holds for every certificate that a CA issues to the subject.
   */
  readonly subject?: string
  /** SHA-256 of the one certificate, in hexadecimal digits with or without colons. */
  readonly fingerprint?: string
  readonly grants: Partial<Grants>
  /** What topics with `{ scope }` ask for. Default none. */
  readonly scopes?: readonly string[]
}

export interface AuthOptions {
  /** One issuer of tokens, or several. */
  readonly jwt?: JwtIssuer | readonly JwtIssuer[]
  readonly apiKeys?: readonly ApiKey[]
  /**
   * What client certificates grant; needs `listen.tls.ca`. One that is not named here and that the CA vouches for is an
   * identity all the same, to which nothing is granted.
   */
  readonly certificates?: readonly CertificateRights[]
  /**
   * The name of a cookie that holds a token. It counts only where a page of the server's own origin asks, or one of
   * those that `cors.origins` lists by name. Behind a proxy that is trusted, the own origin is that of `https`.
   */
  readonly cookie?: string
  /** Whether `?token=` is read. Default false, since addresses are kept in many a log and history. */
  readonly queryToken?: boolean
}
