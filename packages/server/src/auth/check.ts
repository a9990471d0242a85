/** Checks the configuration's key `auth`. What it holds are secrets, so no message shows a value that could be one. */
import { createPublicKey, X509Certificate } from 'node:crypto'
import { normalizeTimestamp } from '@watchpost/protocol'
import { below, type Check, isObject, list, oneOf, type Report, shape, text, whole } from '../config/checkers.ts'
import type { Config } from '../config/config.ts'
import { isLoopback } from '../http/address.ts'
import { KEY_HASH, KEY_ID } from './api-keys.ts'
import { plainFingerprint } from './client-certificates.ts'
import { grantsFault, isScope, isSubject } from './identity.ts'
import { SECRET_BYTES_MIN, secretBytesMin } from './keys.ts'
import { ALGORITHMS } from './options.ts'

/** A text repeated until it is long enough is no secret. */
const LETTERS_MIN = 8

const TOLERANCE_SECONDS_MAX = 300

/** A value that must be of some shape, or the message says no more than which. */
const must =
  (fits: (value: unknown) => boolean, what: string): Check =>
  (value, path, report) => {
    if (!fits(value)) report(path, `must be ${what}`)
  }

/** An object, or a message that does not show what there is in its place. */
const object =
  (members: Readonly<Record<string, Check>>, required: readonly string[] = []): Check =>
  (value, path, report) => {
    if (isObject(value)) shape({ members, required })(value, path, report)
    else report(path, `must be an object with some of ${Object.keys(members).join(', ')}`)
  }

/** The fault of what a variable that is not set leaves, where an optional setting would be passed over. */
const UNSET = 'is undefined; is the variable set that it comes from?'

const secretText: Check = (value, path, report) => {
  if (value === undefined) {
    report(path, UNSET)
  } else if (typeof value === 'string' && isKey(value)) {
    report(path, 'is a key, which is no secret between you and the issuer; put it in auth.jwt.keys')
  } else if (typeof value !== 'string' || Buffer.byteLength(value) < SECRET_BYTES_MIN) {
    report(path, `must be a text of at least ${SECRET_BYTES_MIN} bytes; make one with \`openssl rand -base64 48\``)
  } else if (new Set(value).size < LETTERS_MIN) {
    report(path, 'repeats a few letters, which can be guessed; make one with `openssl rand -base64 48`')
  }
}

/** Whether a text is a key of a pair: signatures of HS256 could be made by whoever has its public half. */
function isKey(secret: string): boolean {
  return secret.includes('-----BEGIN') || /"kty"\s*:/.test(secret) || isBareKey(Buffer.from(secret, 'base64'))
}

/** Of what PEM would put in armour, as some issuers show their keys. */
function isBareKey(der: Buffer): boolean {
  return [
    () => createPublicKey({ key: der, format: 'der', type: 'spki' }),
    () => createPublicKey({ key: der, format: 'der', type: 'pkcs1' }),
    () => new X509Certificate(der),
  ].some((read) => {
    try {
      read()
      return true
    } catch {
      return false
    }
  })
}

const oneOrMore =
  (check: Check): Check =>
  (value, path, report) => {
    if (!Array.isArray(value)) check(value, path, report)
    else if (value.length === 0) report(path, 'must not be empty')
    else for (const [index, each] of (value as readonly unknown[]).entries()) check(each, `${path}[${index}]`, report)
  }

const jwksUrl: Check = (value, path, report) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!isSafe) report(path, 'must be the https URL of a JWK set; http is allowed for this machine only')
  else if (url.username !== '' || url.password !== '') report(path, 'must be a URL without user and password')
}

const issuer: Check = (value, path, report) => {
  object({
    secret: oneOrMore(secretText),
    keys: oneOrMore(
      must(
        (key) => isObject(key) || (typeof key === 'string' && key !== ''),
        'the path of a PEM or JWK file, or a JWK',
      ),
    ),
    jwksUrl,
    issuer: text('the text that is in `iss`'),
    audience: oneOrMore(text('a text that is in `aud`')),
    algorithms: list(oneOf(ALGORITHMS)),
    requireExpiry: must((flag) => typeof flag === 'boolean', 'true or false'),
    clockToleranceSeconds: whole(0, TOLERANCE_SECONDS_MAX),
    grantsClaim: text('the name of a claim'),
  })(value, path, report)
  if (isObject(value)) keySource(value, path, report)
}

/** Exactly one kind of key, which the algorithms must suit. */
function keySource(value: Readonly<Record<string, unknown>>, path: string, report: Report): void {
  const { secret, keys, jwksUrl: url, algorithms } = value
  const given = [secret, keys, url].filter((source) => source !== undefined)
  if (given.length !== 1) {
    const [unset] = ['secret', 'keys', 'jwksUrl'].filter((name) => name in value && value[name] === undefined)
    if (given.length === 0 && unset !== undefined) report(below(path, unset), UNSET)
    else report(path, 'needs exactly one of "secret", "keys" and "jwksUrl"')
    return
  }
  if (!Array.isArray(algorithms)) return
  for (const name of algorithms as readonly unknown[]) {
    if (typeof name !== 'string' || !(ALGORITHMS as readonly string[]).includes(name)) continue
    const where = below(path, 'algorithms')
    if (name.startsWith('HS') !== (secret !== undefined)) {
      report(where, `has "${name}", which ${secret === undefined ? 'needs a secret' : 'is not for a secret'}`)
    } else if (
      [secret].flat().some((each) => typeof each === 'string' && Buffer.byteLength(each) < secretBytesMin(name))
    ) {
      report(where, `has "${name}", which needs a secret of at least ${secretBytesMin(name)} bytes`)
    }
  }
}

const issuers: Check = (value, path, report) => {
  oneOrMore(issuer)(value, path, report)
  if (!Array.isArray(value) || value.length < 2) return
  const names = value.map((each: unknown) => (isObject(each) ? each['issuer'] : undefined))
  if (names.includes(undefined)) report(path, 'has several issuers, so each needs "issuer", which tells them apart')
  else if (new Set(names).size < names.length) report(path, 'names an issuer twice; give it several secrets or keys')
}

/** What keys and certificates give to who has them. */
const RIGHTS: Readonly<Record<string, Check>> = {
  grants: (value, path, report) => {
    const fault = grantsFault(value)
    if (fault !== undefined) report(`${path}${fault.path}`, fault.message)
  },
  scopes: must(
    (scopes) => Array.isArray(scopes) && scopes.every((each) => typeof each === 'string' && isScope(each)),
    'a list of scopes, such as ["prices"], without spaces in them',
  ),
}

const apiKey = object(
  {
    id: must((id) => typeof id === 'string' && KEY_ID.test(id), '4 to 32 letters a to z and digits'),
    hash: must(
      (hash) => typeof hash === 'string' && KEY_HASH.test(hash),
      'the "sha256:…" that `watchpost key` prints, not the key itself',
    ),
    subject: must((subject) => typeof subject === 'string' && isSubject(subject), 'a text of 1 to 255 bytes'),
    ...RIGHTS,
    notAfter: must(
      (time) => typeof time === 'string' && normalizeTimestamp(time) !== undefined,
      'a time such as "2027-01-31T00:00:00Z"',
    ),
  },
  ['id', 'hash', 'subject', 'grants'],
)

const apiKeys: Check = (value, path, report) => {
  if (!Array.isArray(value)) {
    report(path, 'must be a list of what `watchpost key` prints')
    return
  }
  for (const [index, each] of (value as readonly unknown[]).entries()) {
    apiKey(each, `${path}[${index}]`, report)
    const isSame = (other: unknown): boolean =>
      isObject(each) && isObject(other) && (other['id'] === each['id'] || other['hash'] === each['hash'])
    if (value.findIndex(isSame) < index && isObject(each)) report(`${path}[${index}]`, 'repeats an id or hash')
  }
}

/** Subjects as tools write them that put slashes, no spaces or too many between: no certificate would ever fit. */
const OTHER_FORM = /^\/|(?:^|(?<!\\)[,+] ?)[A-Za-z\d.]+ = |^[A-Za-z\d.]+=(?:[^\\,]|\\.)*,\S/

const certificate: Check = (value, path, report) => {
  object(
    {
      subject: must(
        (subject) => typeof subject === 'string' && isSubject(subject) && !OTHER_FORM.test(subject),
        'such as "O=Example, CN=feed-1", which `openssl x509 -noout -subject -nameopt sep_comma_plus_space,esc_2253,utf8 -in FILE` prints',
      ),
      fingerprint: must(
        (digits) => typeof digits === 'string' && /^[\da-f]{64}$/.test(plainFingerprint(digits)),
        'the 64 hexadecimal digits that `openssl x509 -noout -fingerprint -sha256 -in FILE` prints',
      ),
      ...RIGHTS,
    },
    ['grants'],
  )(value, path, report)
  if (isObject(value) && (value['subject'] === undefined) === (value['fingerprint'] === undefined)) {
    report(path, 'needs exactly one of "subject" and "fingerprint"')
  }
}

const certificates: Check = (value, path, report) => {
  if (!Array.isArray(value)) {
    report(path, 'must be a list such as [{ subject: "CN=feed-1", grants: { publish: ["stocks"] } }]')
    return
  }
  const namedBy = (each: unknown): unknown => {
    const { subject, fingerprint } = isObject(each) ? each : {}
    return typeof fingerprint === 'string' ? plainFingerprint(fingerprint) : subject
  }
  for (const [index, each] of (value as readonly unknown[]).entries()) {
    certificate(each, `${path}[${index}]`, report)
    const isSame = (other: unknown): boolean => namedBy(each) !== undefined && namedBy(other) === namedBy(each)
    if (value.findIndex(isSame) < index && namedBy(each) !== undefined) {
      report(`${path}[${index}]`, 'repeats a subject or fingerprint; give all that it grants once')
    }
  }
}

/** What a cookie's name can be (RFC 6265, section 4.1.1). */
const COOKIE_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

const members = object({
  jwt: issuers,
  apiKeys,
  certificates,
  cookie: must((name) => typeof name === 'string' && COOKIE_NAME.test(name), 'the name of a cookie'),
  queryToken: must((flag) => typeof flag === 'boolean', 'true or false'),
})

export const checkAuth: Check = (value, path, report) => {
  members(value, path, report)
  if (!isObject(value) || ['jwt', 'apiKeys', 'certificates'].some((name) => value[name] !== undefined)) return
  report(path, 'needs "jwt", "apiKeys" or "certificates", or nobody could ever say who they are')
}

/** What of `auth` depends on the rest of the configuration, whose shape is right. */
export function checkCertificateAuth({ auth, listen }: Pick<Config, 'auth' | 'listen'>, report: Report): void {
  if (auth?.certificates === undefined || listen?.tls?.ca !== undefined) return
  const fix = 'set listen.tls.ca to the PEM file of the CA that issues them, or remove auth.certificates'
  report('auth.certificates', `grants rights to client certificates, but the server asks for none; ${fix}`)
}
