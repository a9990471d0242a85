/** The configuration's key `auth`: what is accepted, and that what is refused is not shown. */
import { describe, expect, it } from 'vitest'
import { newApiKey } from '../src/auth/api-keys.ts'
import { ConfigError, checkConfig } from '../src/config/check.ts'
import { loadConfig } from '../src/config/load.ts'
import { folderWith } from './cli-process.ts'
import { jwkOf, keyPair, pemOf, SECRET, sign, startGuarded } from './fixtures/auth.ts'

const topics = { stocks: { events: { priceUpdate: {} } } }
const { key, entry } = newApiKey('feed', { grants: { publish: ['stocks'] } })

function faultsOf(auth: unknown, others: object = {}): readonly string[] {
  try {
    checkConfig({ topics, auth, ...others }, 'c.ts')
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('checkConfig accepts', () => {
  const jwksUrl = 'https://id.example.com/jwks.json'
  const accepted: readonly (readonly [string, object])[] = [
    ['a secret', { jwt: { secret: SECRET } }],
    ['several secrets', { jwt: { secret: [SECRET, `${SECRET}2`] } }],
    ['a key set of a host', { jwt: { jwksUrl, issuer: 'https://id.example.com', audience: 'watchpost' } }],
    ['a key set of this machine', { jwt: { jwksUrl: 'http://127.0.0.1:9000/jwks', audience: ['a', 'b'] } }],
    ['keys', { jwt: { keys: ['a.pem', { kty: 'OKP' }], algorithms: ['EdDSA', 'ES256'] } }],
    [
      'several issuers',
      {
        jwt: [
          { issuer: 'a', secret: SECRET },
          { issuer: 'b', jwksUrl },
        ],
      },
    ],
    ['times and claims', { jwt: { secret: SECRET, requireExpiry: false, clockToleranceSeconds: 0, grantsClaim: 'x' } }],
    ['API keys alone', { apiKeys: [entry] }],
    ['all of it', { jwt: { secret: SECRET }, apiKeys: [entry], cookie: '__Host-session', queryToken: true }],
    ['an API key with scopes', { apiKeys: [{ ...entry, scopes: ['prices', 'https://example.com/orders'] }] }],
    ['a key with an end', { apiKeys: [{ ...entry, notAfter: '2027-01-31T00:00:00Z' }] }],
  ]
  it.each(accepted)('%s [WP-6.6]', (_name, auth) => {
    expect(faultsOf(auth)).toEqual([])
  })
})

describe('checkConfig refuses', () => {
  const secret = { secret: SECRET }
  const refused: readonly (readonly [string, unknown, string])[] = [
    ['a secret in the place of auth', SECRET, 'auth must be an object'],
    ['a secret in the place of jwt', { jwt: SECRET }, 'auth.jwt must be an object'],
    ['secrets in the place of issuers', { jwt: [SECRET] }, 'auth.jwt[0] must be an object'],
    ['nothing that could be sent', { queryToken: true }, 'auth needs "jwt", "apiKeys" or "certificates"'],
    ['no key', { jwt: {} }, 'auth.jwt needs exactly one of "secret", "keys" and "jwksUrl"'],
    ['two kinds of key', { jwt: { ...secret, keys: 'a.pem' } }, 'auth.jwt needs exactly one of'],
    ['a short secret', { jwt: { secret: SECRET.slice(1) } }, 'auth.jwt.secret must be a text of at least 32 bytes'],
    ['an empty secret', { jwt: { secret: '' } }, 'auth.jwt.secret must be a text of at least 32 bytes'],
    ['one letter', { jwt: { secret: 'abcabc'.repeat(9) } }, 'auth.jwt.secret repeats a few letters'],
    ['a short one of several', { jwt: { secret: [SECRET, 'hunter2'] } }, 'auth.jwt.secret[1] must be a text'],
    [
      'a misspelt secret',
      { jwt: { ...secret, secrte: SECRET } },
      'unknown key "secrte" in auth.jwt; did you mean "secret"?',
    ],
    ['no secrets', { jwt: { secret: [] } }, 'auth.jwt.secret must not be empty'],
    ['RSA of a secret', { jwt: { ...secret, algorithms: ['RS256'] } }, 'has "RS256", which is not for a secret'],
    ['HMAC of a key', { jwt: { keys: 'a', algorithms: ['HS256'] } }, 'has "HS256", which needs a secret'],
    ['more than a secret has', { jwt: { ...secret, algorithms: ['HS512'] } }, 'needs a secret of at least 64 bytes'],
    ['none', { jwt: { ...secret, algorithms: ['none'] } }, 'auth.jwt.algorithms[0] must be one of'],
    ['http of elsewhere', { jwt: { jwksUrl: 'http://id.example/' } }, 'auth.jwt.jwksUrl must be the https URL'],
    ['http of a lookalike', { jwt: { jwksUrl: 'http://127.0.0.1.example/' } }, 'must be the https URL'],
    ['a file', { jwt: { jwksUrl: 'file:///etc/passwd' } }, 'must be the https URL'],
    ['a password', { jwt: { jwksUrl: `https://u:${SECRET}@id.example/` } }, 'must be a URL without user and password'],
    ['a long tolerance', { jwt: { ...secret, clockToleranceSeconds: 301 } }, 'must be a whole number from 0 to 300'],
    ['issuers without names', { jwt: [secret, { ...secret, issuer: 'a' }] }, 'each needs "issuer"'],
    [
      'an issuer twice',
      {
        jwt: [
          { ...secret, issuer: 'a' },
          { ...secret, issuer: 'a' },
        ],
      },
      'names an issuer twice',
    ],
    ['an API key itself', { apiKeys: [key] }, 'auth.apiKeys[0] must be an object'],
    ['an API key alone', { apiKeys: key }, 'auth.apiKeys must be a list of what `watchpost key` prints'],
    ['an API key as its hash', { apiKeys: [{ ...entry, hash: key }] }, 'auth.apiKeys[0].hash must be the "sha256:…"'],
    ['a hash in hexadecimal', { apiKeys: [{ ...entry, hash: `sha256:${'ab'.repeat(32)}` }] }, '[0].hash must be'],
    ['a key as its id', { apiKeys: [{ ...entry, id: key }] }, 'auth.apiKeys[0].id must be 4 to 32 letters'],
    ['an entry twice', { apiKeys: [entry, entry] }, 'auth.apiKeys[1] repeats an id or hash'],
    [
      'grants of no filters',
      { apiKeys: [{ ...entry, grants: { watch: ['a//b'] } }] },
      'auth.apiKeys[0].grants.watch[0] is no topic filter, such as "chat/*": a segment is empty',
    ],
    [
      'grants of texts that are none',
      { apiKeys: [{ ...entry, grants: { publish: ['a', SECRET + ' '] } }] },
      '.grants.publish[1] is no topic filter, such as "chat/*": a segment may hold only letters',
    ],
    [
      'a filter alone',
      { apiKeys: [{ ...entry, grants: { watch: 'a' } }] },
      '.grants.watch must be a list of at most 128',
    ],
    ['a list of grants', { apiKeys: [{ ...entry, grants: ['a'] }] }, '.grants must be an object such as'],
    [
      'an unknown grant',
      { apiKeys: [{ ...entry, grants: { read: ['a'] } }] },
      '.grants has a member that is none of watch',
    ],
    ['a secret that is not set', { jwt: { secret: undefined } }, 'auth.jwt.secret is undefined; is the variable set'],
    ['one of several that is not', { jwt: { secret: [SECRET, undefined] } }, 'auth.jwt.secret[1] is undefined; is the'],
    ['a URL that is not set', { jwt: { jwksUrl: undefined } }, 'auth.jwt.jwksUrl is undefined; is the variable set'],
    ['a scope that is two', { apiKeys: [{ ...entry, scopes: ['a b'] }] }, '.scopes must be a list of scopes'],
    ['a scope alone', { apiKeys: [{ ...entry, scopes: 'prices' }] }, '.scopes must be a list of scopes'],
    ['no grants', { apiKeys: [{ ...entry, grants: undefined }] }, 'auth.apiKeys[0] needs "grants"'],
    ['an end that is none', { apiKeys: [{ ...entry, notAfter: '2027-02-30T00:00:00Z' }] }, '.notAfter must be a time'],
    [
      'a cookie with its value',
      { jwt: secret, cookie: `session=${SECRET}` },
      'auth.cookie must be the name of a cookie',
    ],
    ['a word for a flag', { jwt: secret, queryToken: 'yes' }, 'auth.queryToken must be true or false'],
  ]
  it.each(refused)('%s, and shows no secret [WP-6.6]', (_name, auth, message) => {
    const faults = faultsOf(auth)
    expect(faults).toEqual([expect.stringContaining(message)])
    for (const part of [SECRET.slice(1), 'hunter2', key, key.split('_')[2] ?? key])
      expect(faults[0]).not.toContain(part)
  })
})

describe('checkConfig, of what is no secret,', () => {
  const { publicKey, privateKey } = keyPair('RS256')
  const pem = pemOf(publicKey)
  const keys: readonly (readonly [string, string])[] = [
    ['a public key as PEM', pem],
    ['one in a single line', pem.replaceAll('\n', String.raw`\n`)],
    ['one without what PEM puts around it', pem.replaceAll(/-----.*-----|\n/g, '')],
    ['one of another kind', pemOf(keyPair('EdDSA').publicKey).replaceAll(/-----.*-----|\n/g, '')],
    ['one as a JWK', JSON.stringify(jwkOf(publicKey))],
    ['a set of them', JSON.stringify({ keys: [jwkOf(publicKey)] }, undefined, 2)],
    ['a private key', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
  ]
  it.each(keys)('refuses %s, with which anybody could sign [WP-6.6]', (_name, secret) => {
    const message = 'auth.jwt.secret is a key, which is no secret between you and the issuer; put it in auth.jwt.keys'
    expect(faultsOf({ jwt: { secret } })).toEqual([`c.ts: ${message}`])
    expect(faultsOf({ jwt: { secret: [SECRET, secret] } })).toEqual([
      expect.stringContaining('auth.jwt.secret[1] is a key'),
    ])
  })

  it('accepts what only looks a little like one', () => {
    for (const secret of [`${SECRET}----`, Buffer.from(SECRET.repeat(4)).toString('base64'), `{"k":"${SECRET}"}`]) {
      expect(faultsOf({ jwt: { secret } })).toEqual([])
    }
  })
})

describe('checkConfig, of client certificates,', () => {
  const ca = { listen: { tls: { cert: 'cert.pem', key: 'key.pem', ca: 'ca.pem' } } }
  const grants = { publish: ['stocks'] }
  const digits = 'ab'.repeat(32)
  const faultsWith = (certificates: unknown, others: object = ca): readonly string[] =>
    faultsOf({ certificates }, others)

  it('accepts those of a subject and those of a fingerprint [WP-6.6]', () => {
    const printed = digits.toUpperCase().replaceAll(/..(?!$)/g, '$&:')
    const all = [
      ...[
        { subject: 'O=Ex\\, Inc. = a/b, CN=feed-1', grants },
        { subject: 'CN=feed-1', grants, scopes: ['prices'] },
      ],
      ...[
        { subject: 'URI:spiffe://example/feed-1', grants },
        { subject: 'OU=A + O=B, CN=c', grants: {} },
      ],
      ...[
        { fingerprint: printed, grants },
        { fingerprint: 'cd'.repeat(32), grants },
      ],
    ]
    expect(faultsWith(all)).toEqual([])
    expect(faultsWith([])).toEqual([])
  })

  const subjectFault = 'auth.certificates[0].subject must be such as "O=Example, CN=feed-1", which `openssl x509'
  const refused: readonly (readonly [string, unknown, string])[] = [
    ['no list', { subject: 'CN=a', grants }, 'auth.certificates must be a list such as'],
    ['neither name', [{ grants }], 'auth.certificates[0] needs exactly one of "subject" and "fingerprint"'],
    ['both names', [{ subject: 'CN=a', fingerprint: digits, grants }], 'auth.certificates[0] needs exactly one of'],
    ['no grants', [{ subject: 'CN=a' }], 'auth.certificates[0] needs "grants"'],
    ['an empty subject', [{ subject: '', grants }], subjectFault],
    ['slashes', [{ subject: '/O=Example/CN=feed-1', grants }], subjectFault],
    ['spaces', [{ subject: 'O = Example, CN = feed-1', grants }], subjectFault],
    ['no spaces', [{ subject: 'O=Example,CN=feed-1', grants }], subjectFault],
    [
      'SHA-1',
      [{ fingerprint: 'ab'.repeat(20), grants }],
      '.fingerprint must be the 64 hexadecimal digits that `openssl',
    ],
    [
      'a subject twice',
      [
        { subject: 'CN=a', grants },
        { subject: 'CN=a', grants: {} },
      ],
      'auth.certificates[1] repeats a subject or fingerprint',
    ],
    [
      'a fingerprint twice, written differently',
      [
        { fingerprint: digits, grants },
        { fingerprint: digits.toUpperCase(), grants },
      ],
      'auth.certificates[1] repeats a subject or fingerprint',
    ],
    ['a misspelt key', [{ subject: 'CN=a', grants, scope: ['x'] }], 'unknown key "scope" in auth.certificates[0]'],
  ]
  it.each(refused)('refuses %s [WP-6.6]', (_name, value, message) => {
    expect(faultsWith(value)).toEqual([expect.stringContaining(message)])
  })

  it('refuses them where none are asked for, and says how to mend that [WP-6.6]', () => {
    const message = /auth\.certificates grants rights .* set listen\.tls\.ca to the PEM file of the CA .*, or remove/
    const { cert, key: keyFile } = ca.listen.tls
    for (const others of [{}, { listen: {} }, { listen: { tls: { cert, key: keyFile } } }]) {
      expect(faultsWith([{ subject: 'CN=a', grants }], others)).toEqual([expect.stringMatching(message)])
    }
  })
})

describe('a server', () => {
  it('does not start with keys of which none is for the algorithms that are allowed [WP-6.6]', async () => {
    const keys = ['ES256', 'EdDSA'].map((algorithm) => pemOf(keyPair(algorithm).publicKey))
    await expect(startGuarded({ jwt: { keys, algorithms: ['RS256', 'ES384'] } })).rejects.toThrow(
      'auth.jwt.algorithms allows RS256, ES384, but the keys of auth.jwt.keys are for ES256, EdDSA',
    )
    await startGuarded({ jwt: { keys, algorithms: ['RS256', 'EdDSA'] } })
  })

  it('logs once why tokens grant nothing, and not what they hold [WP-6.6] [WP-6.1]', async () => {
    const server = await startGuarded({ jwt: { secret: SECRET, issuer: 'https://id.example' } })
    const ofGrants = (watchpost?: unknown): Promise<string> => sign({ iss: 'https://id.example', watchpost })
    for (const grants of [undefined, { watch: ['chat/*'] }])
      expect((await server.ask(await ofGrants(grants))).status).toBe(200)
    expect(server.log()).not.toContain('grants nothing')
    for (const grants of [{ watch: ['chat/*', 'hunter2 '] }, 'hunter2', { hunter2: [] }]) {
      expect((await server.ask(await ofGrants(grants))).status).toBe(200)
    }
    const lines = server
      .log()
      .split('\n')
      .filter((line) => line.includes('grants nothing'))
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({
        ...{ level: 40, issuer: 'https://id.example' },
        msg: expect.stringContaining('a token grants nothing, since watchpost.watch[1] is no topic filter'),
      }),
    ])
    expect(server.log()).not.toContain('hunter2')
  })
})

describe('loadConfig', () => {
  it('takes a secret from the environment, and says only what is wrong with it [WP-6.6]', async () => {
    const auth = { jwt: { secret: '${WATCHPOST_SECRET}' } }
    const cwd = folderWith({ 'watchpost.config.json': JSON.stringify({ auth, topics }) })
    const load = (env: Record<string, string>) => loadConfig({ cwd, env, flags: {} })
    expect((await load({ WATCHPOST_SECRET: SECRET })).config.auth).toEqual({ jwt: { secret: SECRET } })
    await expect(load({ WATCHPOST_SECRET: 'hunter2' })).rejects.toThrow('auth.jwt.secret must be a text of at least 32')
    await expect(load({ WATCHPOST_SECRET: 'hunter2' })).rejects.not.toThrow('hunter2')
    await expect(load({})).rejects.toThrow('${WATCHPOST_SECRET} is not set in the environment')
  })
})
