/** The documents that tell of the API: made from what runs, for who asks. */
import { ProblemError } from '@watchpost/protocol'
import type { App } from '../app.ts'
import { documentedFor } from '../documents/documented.ts'
import { jsonOf } from '../documents/json.ts'
import type { Making } from '../documents/members.ts'
import type { OpenApiVersion } from '../documents/openapi/media.ts'
import { type Sent, textOf } from '../documents/remembered.ts'
import type { Exchange } from '../http/exchange.ts'

type Format = 'json' | 'yaml'

/** @throws ProblemError `invalid-parameter` or `overloaded` */
export const serveOpenApiJson = (app: App, exchange: Exchange): Promise<void> => serveOpenApi(app, exchange, 'json')

/** @throws ProblemError `invalid-parameter` or `overloaded` */
export const serveOpenApiYaml = (app: App, exchange: Exchange): Promise<void> => serveOpenApi(app, exchange, 'yaml')

/** @throws ProblemError `invalid-parameter` or `overloaded` */
export const serveAsyncApiJson = (app: App, exchange: Exchange): Promise<void> => serveAsyncApi(app, exchange, 'json')

/** @throws ProblemError `invalid-parameter` or `overloaded` */
export const serveAsyncApiYaml = (app: App, exchange: Exchange): Promise<void> => serveAsyncApi(app, exchange, 'yaml')

async function serveOpenApi(app: App, exchange: Exchange, format: Format): Promise<void> {
  const version = versionOf(exchange, OPENAPI)
  const [{ openapiMembers }, write] = await Promise.all([import('../documents/openapi/index.ts'), writerOf(format)])
  const text = await textOf(app, `openapi ${version} ${format}`, documentedFor(app, exchange), (documented) =>
    write(openapiMembers(documented, version)),
  )
  send(exchange, text, format)
}

async function serveAsyncApi(app: App, exchange: Exchange, format: Format): Promise<void> {
  versionOf(exchange, ASYNCAPI)
  const [{ asyncapiMembers }, write] = await Promise.all([import('../documents/asyncapi/index.ts'), writerOf(format)])
  const text = await textOf(app, `asyncapi ${format}`, documentedFor(app, exchange), (documented) =>
    write(asyncapiMembers(documented)),
  )
  send(exchange, text, format)
}

/** The versions that a document is made in, the default first. */
const OPENAPI: readonly [OpenApiVersion, ...OpenApiVersion[]] = ['3.1', '3.2']
const ASYNCAPI = ['3.0'] as const

/** @throws ProblemError `invalid-parameter` */
function versionOf<Version extends string>(
  { url }: Exchange,
  offered: readonly [Version, ...(readonly Version[])],
): Version {
  const [asked = offered[0], ...more] = url.searchParams.getAll('version')
  const version = offered.find((each) => each === asked)
  if (version !== undefined && more.length === 0) return version
  throw new ProblemError('invalid-parameter', `Parameter version: give ${offered.join(' or ')}, once.`)
}

/** What makes documents is loaded for the first who asks for one, so that servers start sooner; YAML takes a library. */
async function writerOf(format: Format): Promise<(making: Making) => Iterable<string>> {
  return format === 'json' ? jsonOf : (await import('../documents/yaml.ts')).yamlOf
}

/** Who may see other topics, or reaches the server otherwise, gets another document: so nobody may keep it for others. */
function send(exchange: Exchange, { body, etag }: Sent, format: Format): void {
  const headers = { etag, 'cache-control': 'private, no-cache' }
  const known = exchange.header('if-none-match')?.split(',') ?? []
  const isKnown = known.some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
  if (isKnown) exchange.send(304, '', headers)
  else exchange.send(200, body(), { ...headers, 'content-type': `application/${format}; charset=utf-8` })
}
