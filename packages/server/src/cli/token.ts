/** `watchpost token`: a token to try things out with, as an issuer that shares a secret would sign it. */
import { type Command, InvalidArgumentError } from 'commander'
import { usageFailure } from './failure.ts'
import { addGrantOptions, type GrantFlags, grantsOfFlags } from './grant-options.ts'
import { examples } from './options.ts'
import { write } from './terminal.ts'

interface TokenFlags extends GrantFlags {
  readonly secretEnv: string
  readonly ttl: number
  readonly issuer?: string
  readonly audience?: string
  readonly scope?: string
  readonly grantsClaim: string
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

export function addToken(program: Command): void {
  addGrantOptions(
    program.command('token').description('sign a token with the secret of auth.jwt, for trying things out'),
  )
    .requiredOption('--secret-env <name>', 'the environment variable that holds the secret')
    .option('--ttl <time>', 'how long it is valid, such as 90s, 15m, 1h or 7d', seconds, SECONDS['h'])
    .option('--issuer <text>', 'iss, if the configuration asks for one')
    .option('--audience <text>', 'aud, if the configuration asks for one')
    .option('--scope <words>', 'scopes, with spaces between')
    .option('--grants-claim <name>', 'the claim for what is granted, as auth.jwt.grantsClaim says', 'watchpost')
    .addHelpText(
      'after',
      examples("WATCHPOST_SECRET=... watchpost token --secret-env WATCHPOST_SECRET --subject ada --watch 'chat/*'"),
    )
    .action(makeToken)
}

function seconds(text: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,8})([smhd])$/.exec(text) ?? []
  const perUnit = SECONDS[unit]
  if (perUnit !== undefined) return Number(count) * perUnit
  throw new InvalidArgumentError('It must be a number and s, m, h or d, such as 15m.')
}

async function makeToken(flags: TokenFlags): Promise<void> {
  const [{ SignJWT }, { SECRET_BYTES_MIN }] = await Promise.all([import('jose'), import('../auth/keys.ts')])
  const secret = Buffer.from(process.env[flags.secretEnv] ?? '')
  if (secret.length < SECRET_BYTES_MIN) {
    throw usageFailure(
      `the environment variable ${flags.secretEnv} must hold a secret of at least ${SECRET_BYTES_MIN} bytes; make one with \`openssl rand -base64 48\``,
    )
  }
  const { scope, issuer, audience } = flags
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const claims = { [flags.grantsClaim]: grantsOfFlags(flags), ...(scope !== undefined && { scope }) }
  const token = new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(flags.subject)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + flags.ttl)
  if (issuer !== undefined) token.setIssuer(issuer)
  if (audience !== undefined) token.setAudience(audience)
  await write(`${await token.sign(secret)}\n`)
}
