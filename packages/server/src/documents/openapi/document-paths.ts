/** The paths of what tells of the API, and of how the server is. */
import type { JsonSchema } from '@watchpost/core'
import type { Building, Node, Paths } from './building.ts'
import { HTML } from './media.ts'
import { answer, operation } from './operation.ts'
import type { OperationName } from './operations.ts'
import type { Parameter } from './parameters.ts'
import { headersNamed } from './responses.ts'

const FRESH = { description: 'It is as you know it.', headers: headersNamed('CacheControl', 'TextETag') }

/** Of a page for people, which a browser is to run nothing in but what is the server's. */
const PAGE = ['ContentSecurityPolicy', 'ContentTypeOptions', 'ReferrerPolicy'] as const

/** Of a file of the page. */
const ASSET = ['CacheControl', 'TextETag', 'ContentTypeOptions', 'ContentEncoding', 'Vary'] as const

/** Of the documents and the page that shows them. */
export function documentPaths(building: Building): Paths {
  const document = (name: 'openapi' | 'asyncapi', format: 'json' | 'yaml'): Node => {
    const known = {
      name: 'If-None-Match',
      in: 'header',
      description: 'The `ETag` of before.',
      schema: { type: 'string' },
    }
    return operation(building, {
      ...{ id: `${name}-${format}`, tag: 'Documents', row: 'readDocument', may: 'anyone' },
      summary: `${name === 'openapi' ? 'OpenAPI' : 'AsyncAPI'} as ${format.toUpperCase()}`,
      text: 'The topics that you may watch or publish to, and all else that is served here.',
      parameters: [known, VERSIONS[name]],
      answers: {
        200: {
          description: 'The document.',
          headers: headersNamed('CacheControl', 'TextETag'),
          content: { [`application/${format}`]: { schema: { type: 'object' } } },
        },
        304: FRESH,
      },
    })
  }
  return {
    '/openapi.json': { get: document('openapi', 'json') },
    '/openapi.yaml': { get: document('openapi', 'yaml') },
    '/asyncapi.json': { get: document('asyncapi', 'json') },
    '/asyncapi.yaml': { get: document('asyncapi', 'yaml') },
    ...docsPaths(building),
  }
}

const docsPaths = (building: Building): Paths => ({
  '/docs': {
    get: operation(building, {
      ...{ id: 'readDocs', tag: 'Documents', summary: 'Reference and a place to try it', row: 'readDocs' },
      ...{ may: 'unasked', text: 'A page for people.' },
      answers: {
        200: { description: 'The page.', headers: headersNamed('CacheControl', 'TextETag', ...PAGE), content: HTML },
        304: { ...FRESH, headers: headersNamed('CacheControl', 'TextETag', ...PAGE) },
      },
    }),
  },
  '/docs/{version}/{file}': {
    get: operation(building, {
      ...{ id: 'readAsset', tag: 'Documents', summary: 'What the page loads', row: 'readAsset' },
      ...{ may: 'unasked', text: 'A file of the page. The page knows their names.' },
      parameters: ['version', 'file'].map((name) => ({
        ...{ name, in: 'path', required: true, description: 'As the page has it.', schema: { type: 'string' } },
      })),
      answers: {
        200: { description: 'The file.', headers: headersNamed(...ASSET), content: { '*/*': { schema: {} } } },
        304: { ...FRESH, headers: headersNamed(...ASSET) },
      },
    }),
  },
})

const versionOf = (description: string, versions: readonly [string, ...string[]]): Parameter => ({
  ...{ name: 'version', in: 'query', description },
  schema: { enum: versions, default: versions[0] },
})

const VERSIONS: Readonly<Record<'openapi' | 'asyncapi', Parameter>> = {
  openapi: versionOf('Of OpenAPI. From 3.2 on it can say what the items of a stream are.', ['3.1', '3.2']),
  asyncapi: versionOf('Of AsyncAPI.', ['3.0']),
}

const METRICS: Node = {
  description: 'In the text format of Prometheus.',
  headers: headersNamed('CacheControl'),
  content: { 'text/plain': { schema: { type: 'string' } } },
}

/** Of what operators look at. */
export function probePaths(building: Building): Paths {
  const probe = (id: string, summary: string, answers: Node, row: OperationName = 'readProbe'): Node => ({
    get: operation(building, {
      ...{ id, tag: 'Operators', summary, row, may: 'unasked', text: 'For operators [WP-3.14].', answers },
    }),
  })
  const status = (text: string, more: Node = {}): JsonSchema => ({
    ...{ type: 'object', required: ['status'], properties: { status: { const: text }, ...more } },
  })
  return {
    '/healthz': probe('readHealth', 'Whether the process lives', {
      200: answer('It does.', status('ok', { version: { type: 'string' } })),
    }),
    '/readyz': probe('readReadiness', 'Whether new clients are welcome', {
      200: answer('They are.', status('ready')),
      503: answer('The server drains.', status('going away')),
    }),
    '/metrics': probe('readMetrics', 'Metrics', { 200: METRICS }, 'readMetrics'),
  }
}
