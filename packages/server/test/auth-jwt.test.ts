/** JSON Web Tokens: which are good, and everything that is done to make bad ones pass. */
import { createHmac, generateKeyPairSync, randomBytes, sign as signBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encoded, forged, jwkOf, keyPair, nowSeconds, pemOf, SECRET, sign, startGuarded } from './fixtures/auth.ts'
import { expectProblem } from './fixtures/http.ts'
import { temporaryDir } from './harness.ts'

const LONG_SECRET = randomBytes(64).toString('base64url')
const rsa = keyPair('RS256')
const good = { sub: 'ada', exp: nowSeconds() + 600 }
const HS = { alg: 'HS256', typ: 'JWT' }

describe('a token', () => {
  it.each(['HS256', 'HS384', 'HS512'])('of %s is taken with a secret [WP-6.6]', async (alg) => {
    const server = await startGuarded({ jwt: { secret: LONG_SECRET } })
    expect((await server.ask(await sign({}, { alg, key: LONG_SECRET }))).status).toBe(200)
    expect(server.seen?.subject).toBe('ada')
  })

  const asymmetric = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA']
  it.each(asymmetric)('of %s is taken with a key as PEM text, PEM file, JWK and JWK set file [WP-6.6]', async (alg) => {
    const { publicKey, privateKey } = keyPair(alg)
    const dir = await temporaryDir()
    const [pemFile, setFile] = [join(dir, 'key.pem'), join(dir, 'keys.json')]
    await writeFile(pemFile, pemOf(publicKey))
    await writeFile(setFile, JSON.stringify({ keys: [jwkOf(publicKey)] }))
    const token = await sign({}, { alg, key: privateKey })
    const another = await sign({}, { alg, key: keyPair(alg).privateKey })
    for (const keys of [pemOf(publicKey), pemFile, setFile, { keys: [jwkOf(publicKey, { alg })] }]) {
      const server = await startGuarded({ jwt: { keys } })
      expect((await server.ask(token)).status).toBe(200)
      expectProblem(await server.ask(another), 'unauthorized')
    }
  })

  it('may be signed with any of several secrets, so that they can be changed [WP-6.6]', async () => {
    const server = await startGuarded({ jwt: { secret: [LONG_SECRET, SECRET] } })
    expect((await server.ask(await sign({}, { key: LONG_SECRET }))).status).toBe(200)
    expect((await server.ask(await sign())).status).toBe(200)
  })

  it('is for the audience and of the issuer that the configuration names [WP-6.6]', async () => {
    const server = await startGuarded({
      jwt: { secret: SECRET, issuer: 'https://id.example', audience: ['live', 'w'] },
    })
    const iss = 'https://id.example'
    expect((await server.ask(await sign({ iss, aud: 'w' }))).status).toBe(200)
    expect((await server.ask(await sign({ iss, aud: ['other', 'live'] }))).status).toBe(200)
    const wrong = [{ iss }, { iss, aud: 'other' }, { iss, aud: [] }, { aud: 'w' }, { iss: `${iss}/`, aud: 'w' }]
    for (const claims of wrong) expectProblem(await server.ask(await sign(claims)), 'unauthorized')
  })

  it('needs an end unless the configuration says otherwise [WP-6.6]', async () => {
    const endless = await sign({ exp: undefined })
    expectProblem(await (await startGuarded({ jwt: { secret: SECRET } })).ask(endless), 'unauthorized')
    expect((await (await startGuarded({ jwt: { secret: SECRET, requireExpiry: false } })).ask(endless)).status).toBe(
      200,
    )
  })

  it('is given as much time as clocks may differ [WP-6.6]', async () => {
    const server = await startGuarded({ jwt: { secret: SECRET, clockToleranceSeconds: 300 } })
    const now = nowSeconds()
    for (const claims of [{ exp: now - 200 }, { nbf: now + 200 }, { iat: now + 200 }]) {
      expect((await server.ask(await sign(claims))).status).toBe(200)
    }
    expectProblem(await server.ask(await sign({ exp: now - 400 })), 'token-expired')
    expectProblem(await server.ask(await sign({ nbf: now + 400 })), 'unauthorized')
  })
})

describe('several issuers', () => {
  it('are told apart by iss, and none can sign for another [WP-6.6]', async () => {
    const server = await startGuarded({
      jwt: [
        { issuer: 'https://a.example', secret: SECRET },
        { issuer: 'https://b.example', secret: LONG_SECRET, grantsClaim: 'https://b.example/rights' },
      ],
    })
    expect((await server.ask(await sign({ iss: 'https://a.example' }))).status).toBe(200)
    expect((await server.ask(await sign({ iss: 'https://b.example' }, { key: LONG_SECRET }))).status).toBe(200)
    expectProblem(await server.ask(await sign({ iss: 'https://b.example' })), 'unauthorized')
    expectProblem(await server.ask(await sign({ iss: 'https://c.example' })), 'unauthorized')
    expectProblem(await server.ask(await sign()), 'unauthorized')
  })
})

describe('a token is refused', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 })
  const pem = pemOf(rsa.publicKey)
  const hs = (input: string, key: string): string =>
    `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`
  const [header, claims, signature] = forged(HS, good).split('.') as [string, string, string]
  /** The same bytes with something in the bits that base64url leaves over. */
  const looseSignature = (): string => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = letters.indexOf(signature.at(-1) ?? '')
    return signature.slice(0, -1) + letters[last + 1]
  }
  const attacks: readonly (readonly [name: string, reason: string, make: () => string | Promise<string>])[] = [
    [
      'without a signature, alg none',
      'a segment is no base64url',
      () => `${encoded({ alg: 'none' })}.${encoded(good)}.`,
    ],
    ['alg None, in other letters', 'a segment is no base64url', () => `${encoded({ alg: 'nOnE' })}.${encoded(good)}.`],
    [
      'alg none with the signature of another',
      'the algorithm is not allowed',
      () => `${encoded({ alg: 'none' })}.${claims}.${signature}`,
    ],
    ['a good header without its signature', 'a segment is no base64url', () => `${header}.${claims}.`],
    ['the public key of RS256 as the secret of HS256', 'signature verification failed', () => forged(HS, good, pem)],
    ['the same without the line end', 'signature verification failed', () => forged(HS, good, pem.trim())],
    ['RS256 named, HS256 made', 'no key suits its algorithm and kid', () => forged({ alg: 'RS256' }, good, pem)],
    ['another secret', 'signature verification failed', () => forged(HS, good, LONG_SECRET)],
    ['an algorithm that is not known', 'the algorithm is not allowed', () => forged({ alg: 'HS1' }, good)],
    ['no algorithm', 'the token names no algorithm', () => forged({ typ: 'JWT' }, good)],
    ['an algorithm that is no text', 'the token names no algorithm', () => forged({ alg: ['HS256'] }, good)],
    [
      'a key of its own in jwk',
      'a header is not allowed',
      () => sign({}, { alg: 'RS256', key: rsa.privateKey, header: { jwk: jwkOf(rsa.publicKey) as never } }),
    ],
    [
      'a secret of its own in jwk',
      'a header is not allowed',
      () => forged({ ...HS, jwk: { kty: 'oct', k: encoded(SECRET) } }, good),
    ],
    ['jku', 'a header is not allowed', () => forged({ ...HS, jku: 'http://127.0.0.1:9/jwks.json' }, good)],
    ['x5u', 'a header is not allowed', () => forged({ ...HS, x5u: 'http://127.0.0.1:9/a.pem' }, good)],
    ['x5c', 'a header is not allowed', () => forged({ ...HS, x5c: ['MIIB'] }, good)],
    ['crit', 'a header is not allowed', () => forged({ ...HS, crit: ['exp'], exp: 1 }, good)],
    ['b64', 'a header is not allowed', () => forged({ ...HS, b64: false }, good)],
    ['a path in kid', 'signature verification failed', () => forged({ ...HS, kid: '../../../dev/null' }, good, '')],
    ['SQL in kid', 'signature verification failed', () => forged({ ...HS, kid: "x' UNION SELECT 'key" }, good, 'key')],
    ['kid that is no text', 'kid is no text', () => forged({ ...HS, kid: { $ne: null } }, good)],
    ['the kind of a token that logs out', 'typ is not for access', () => forged({ ...HS, typ: 'logout+jwt' }, good)],
    ['no subject', 'missing required', () => forged(HS, { exp: good.exp })],
    ['an empty subject', 'sub is no text of 1 to 255 bytes', () => forged(HS, { ...good, sub: '' })],
    ['a subject that is a number', 'sub is no text of 1 to 255 bytes', () => forged(HS, { ...good, sub: 7 })],
    ['a subject of 256 bytes', 'sub is no text of 1 to 255 bytes', () => forged(HS, { ...good, sub: 'a'.repeat(256) })],
    [
      'a subject that is half a character',
      'sub is no text of 1 to 255 bytes',
      () => forged(HS, `{"sub":"\\ud800","exp":${good.exp}}`),
    ],
    ['no end', 'missing required', () => forged(HS, { sub: 'ada' })],
    ['an end that is a text', 'ERR_JWT_CLAIM_VALIDATION_FAILED', () => forged(HS, { ...good, exp: String(good.exp) })],
    ['an end beyond all time', 'exp is no time', () => forged(HS, `{"sub":"ada","exp":1e300}`)],
    [
      'a beginning in the future',
      'ERR_JWT_CLAIM_VALIDATION_FAILED',
      () => forged(HS, { ...good, nbf: nowSeconds() + 60 }),
    ],
    ['a beginning that is a text', 'ERR_JWT_CLAIM_VALIDATION_FAILED', () => forged(HS, { ...good, nbf: 'now' })],
    ['made in the future', 'iat is no time in the past', () => forged(HS, { ...good, iat: nowSeconds() + 60 })],
    [
      'claims twice',
      'a segment is no JSON object without repeated members',
      () => forged(HS, `{"sub":"ada","sub":"root","exp":${good.exp}}`),
    ],
    [
      'claims twice, once escaped',
      'a segment is no JSON object without repeated members',
      () => forged(HS, `{"sub":"ada","\\u0073ub":"root","exp":${good.exp}}`),
    ],
    [
      'claims twice, deeper',
      'a segment is no JSON object without repeated members',
      () => forged(HS, `{"sub":"ada","exp":${good.exp},"watchpost":{"admin":false,"admin":true}}`),
    ],
    [
      'headers twice',
      'a segment is no JSON object without repeated members',
      () => forged('{"alg":"none","alg":"HS256"}', good),
    ],
    [
      'claims that nest deeply',
      'a segment is no JSON object without repeated members',
      () => forged(HS, `{"sub":"ada","exp":${good.exp},"a":${'['.repeat(40)}${']'.repeat(40)}}`),
    ],
    ['claims that are a list', 'a segment is no JSON object without repeated members', () => forged(HS, [good])],
    ['claims that are no JSON', 'a segment is no JSON object without repeated members', () => forged(HS, 'ada')],
    [
      'claims with a byte order mark',
      'a segment is no JSON object without repeated members',
      () => forged(HS, `\ufeff${JSON.stringify(good)}`),
    ],
    [
      'claims that are no UTF-8',
      'a segment is no JSON object without repeated members',
      () => {
        const bytes = Buffer.from([0x7b, 0x22, 0x73, 0x75, 0x62, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d])
        return hs(`${header}.${bytes.toString('base64url')}`, SECRET)
      },
    ],
    ['padding', 'a segment is no base64url', () => `${header}.${claims}.${signature}=`],
    [
      'the letters of base64 proper',
      'a segment is no base64url',
      () => hs(`${header}.${Buffer.from(`{"sub":"~~~???","exp":${good.exp}}`).toString('base64')}`, SECRET),
    ],
    ['bits that are left over', 'a segment is no base64url', () => `${header}.${claims}.${looseSignature()}`],
    ['one segment', 'the token has not three segments', () => header],
    ['two segments', 'the token has not three segments', () => `${header}.${claims}`],
    ['four segments', 'the token has not three segments', () => `${header}.${claims}.${signature}.${signature}`],
    ['a segment behind the end', 'the token has not three segments', () => `${header}.${claims}.${signature}.`],
    [
      'five segments, as if encrypted',
      'the token has not three segments',
      () => `${encoded({ alg: 'dir', enc: 'A256GCM' })}..a.b.c`,
    ],
    ['an empty token', 'the token has not three segments', () => ''],
    ['over 8,192 bytes', 'the token is too long', () => forged(HS, { ...good, filling: 'x'.repeat(6_200) })],
    ['a weak key', 'signature verification failed', () => forged(HS, good, 'secret')],
    [
      'a changed claim',
      'signature verification failed',
      () => `${header}.${encoded({ ...good, sub: 'root' })}.${signature}`,
    ],
  ]

  it('for each attack on a secret, with the reason in the log only [WP-6.6]', async () => {
    const server = await startGuarded({ jwt: { secret: SECRET } })
    for (const [name, reason, make] of attacks) {
      const token = await make()
      const answer = await server.ask(token)
      expectProblem(answer, 'unauthorized', { detail: 'The credentials are not valid.' })
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
      expect([name, server.log().trimEnd().split('\n').at(-2)]).toEqual([name, expect.stringContaining(reason)])
      if (token.length > 20) expect(server.log() + JSON.stringify(answer.body)).not.toContain(token.slice(-20))
    }
    expect((await server.ask(forged(HS, good))).status).toBe(200)
  })

  it('for each attack on a public key [WP-6.6]', async () => {
    const server = await startGuarded({ jwt: { keys: pem } })
    for (const [name, , make] of attacks) {
      const { status, body } = await server.ask(await make())
      expect([name, status, body.detail]).toEqual([name, 401, 'The credentials are not valid.'])
    }
    expect(server.log()).toContain('a header is not allowed')
    expect((await server.ask(await sign({}, { alg: 'RS256', key: rsa.privateKey }))).status).toBe(200)
  })

  it('past its end, and then it is told so, but not for others [WP-6.6] [WP-5.1]', async () => {
    const server = await startGuarded({ jwt: { secret: SECRET, audience: 'live' } })
    const exp = nowSeconds() - 60
    const expired = await server.ask(await sign({ exp, aud: 'live' }))
    expectProblem(expired, 'token-expired', { detail: 'The credentials have expired; send new ones.' })
    expectProblem(await server.ask(await sign({ exp })), 'unauthorized')
    expectProblem(await server.ask(await sign({ exp, aud: 'live' }, { key: LONG_SECRET })), 'unauthorized')
    expect(server.log()).toContain('the token has expired')
  })

  it('when its algorithm is not that of its key, or not allowed [WP-6.6]', async () => {
    const only = await startGuarded({ jwt: { keys: pem, algorithms: ['PS256'] } })
    expect((await only.ask(await sign({}, { alg: 'PS256', key: rsa.privateKey }))).status).toBe(200)
    expectProblem(await only.ask(await sign({}, { alg: 'RS256', key: rsa.privateKey })), 'unauthorized')
    const pinned = await startGuarded({ jwt: { keys: jwkOf(rsa.publicKey, { alg: 'RS512' }) } })
    expect((await pinned.ask(await sign({}, { alg: 'RS512', key: rsa.privateKey }))).status).toBe(200)
    expectProblem(await pinned.ask(await sign({}, { alg: 'RS256', key: rsa.privateKey })), 'unauthorized')
    const short = await startGuarded({ jwt: { secret: SECRET } })
    expectProblem(await short.ask(forged({ alg: 'HS384' }, good)), 'unauthorized')
  })

  const EC = ['ES256', 'ES384', 'ES512'] as const
  it.each(EC)('when its curve is not that of %s, or its signature is none of it [WP-6.6]', async (alg) => {
    const { publicKey, privateKey } = keyPair(alg)
    const server = await startGuarded({ jwt: { keys: pemOf(publicKey) } })
    expect((await server.ask(await sign({}, { alg, key: privateKey }))).status).toBe(200)
    const signedAs = (named: string, made: string, format: 'der' | 'ieee-p1363', key = privateKey): string => {
      const input = `${encoded({ alg: named })}.${encoded(good)}`
      return `${input}.${signBytes(made, Buffer.from(input), { key, dsaEncoding: format }).toString('base64url')}`
    }
    const hash = `sha${alg.slice(2)}`
    const input = `${encoded({ alg })}.${encoded(good)}`
    const bytes = { ES256: 64, ES384: 96, ES512: 132 }[alg]
    const bad = [
      ...EC.filter((other) => other !== alg).map((other) => signedAs(other, `sha${other.slice(2)}`, 'ieee-p1363')),
      ...EC.filter((other) => other !== alg).map((other) =>
        signedAs(alg, hash, 'ieee-p1363', keyPair(other).privateKey),
      ),
      signedAs(alg, hash, 'der'),
      signedAs('ES256K', hash, 'ieee-p1363'),
      // Both halves of it zero, which some libraries took for the signature of anything by anyone.
      `${input}.${Buffer.alloc(bytes).toString('base64url')}`,
    ]
    for (const token of bad) expectProblem(await server.ask(token), 'unauthorized')
  })

  it('of a key that is not fit for use, which stops the start already [WP-6.6]', async () => {
    const start = (keys: string | Record<string, unknown>) => startGuarded({ jwt: { keys } })
    await expect(start(pemOf(weak.publicKey))).rejects.toThrow('must be RSA of at least 2048 bits')
    const privatePem = rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    await expect(start(privatePem)).rejects.toThrow('holds a private key')
    await expect(start(jwkOf(rsa.privateKey))).rejects.toThrow('holds a private key')
    await expect(start({ kty: 'oct', k: encoded(SECRET) })).rejects.toThrow('holds a private key or a secret')
    await expect(start(jwkOf(rsa.publicKey, { use: 'enc' }))).rejects.toThrow('is not for signatures')
    await expect(start({ keys: [] })).rejects.toThrow('holds no keys')
    await expect(start('no-such.pem')).rejects.toThrow('auth.jwt.keys: the file that it names can not be read (ENOENT)')
    const secp = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    await expect(start(pemOf(secp.publicKey))).rejects.toThrow('EC on P-256, P-384 or P-521')
    await expect(start(pemOf(generateKeyPairSync('ed448').publicKey))).rejects.toThrow('or Ed25519')
    await expect(start(jwkOf(rsa.publicKey, { alg: 'ES256' }))).rejects.toThrow('not of its kind')
    await expect(start(jwkOf(keyPair('ES384').publicKey, { alg: 'ES256' }))).rejects.toThrow('not of its kind')
  })
})
