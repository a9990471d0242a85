/** The documents of a configuration, made without starting a server: what whoever may do anything would be shown. */
import { Registry, SERVER } from '@watchpost/core'
import { limitsWith } from '@watchpost/protocol'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { asyncapiMembers } from '../../documents/asyncapi/index.ts'
import { withConfigured } from '../../documents/configured.ts'
import { type Documented, topicsFor } from '../../documents/documented.ts'
import { type Making, whole } from '../../documents/members.ts'
import { openapiMembers } from '../../documents/openapi/index.ts'
import type { OpenApiVersion } from '../../documents/openapi/media.ts'
import { version } from '../../version.ts'
import { usageFailure } from '../failure.ts'
import { demandOut, writeOut } from '../outcome.ts'
import { type Parted, setAside } from './set-aside.ts'

/** As flags have it. */
export interface MakeOptions {
  readonly config?: string
  readonly out?: string
  readonly url?: string
  readonly yaml?: boolean
  /** Of OpenAPI; 3.1 if absent. */
  readonly spec?: OpenApiVersion
}

/** Both kinds take the same, since both tell of the same. */
export type DocumentKind = 'openapi' | 'asyncapi'

const DOCUMENTS: Readonly<Record<DocumentKind, (documented: Documented, spec: OpenApiVersion) => Making>> = {
  openapi: openapiMembers,
  asyncapi: asyncapiMembers,
}

/**
 * Writes the document of a configuration. What vouches for clients is not looked at, but for its kinds.
 * @throws CliFailure for a URL that is none (usage), or a file that can't be written; ConfigError for a configuration that
 * has faults
 */
export async function make(kind: DocumentKind, options: MakeOptions): Promise<void> {
  const { config: file, out, url, yaml, spec = '3.1' } = options
  demandOut(out)
  let parted = setAside(undefined)
  const { config } = await loadConfig({
    ...{ cwd: process.cwd(), file, env: process.env, flags: {} },
    part: (value) => {
      parted = setAside(value)
      return parted.rest
    },
  })
  const documented = documentedBy(config, parted, url)
  const document = withConfigured(DOCUMENTS[kind](documented, spec), config.topics, documented.limits)
  const asYaml = yaml === true || /\.ya?ml$/i.test(out ?? '')
  const text = asYaml ? await yamlTextOf(document) : `${JSON.stringify(whole(document), null, 2)}\n`
  await writeOut(out, text)
}

async function yamlTextOf(document: Making): Promise<string> {
  const { yamlOf } = await import('../../documents/yaml.ts')
  return [...yamlOf(document)].join('')
}

function documentedBy(config: Config, { credentials, hasTls }: Parted, url: string | undefined): Documented {
  const limits = limitsWith(config.limits)
  const registry = new Registry(config.topics, { retention: config.retention, limits })
  return {
    topics: topicsFor(registry, SERVER),
    ...{ limits, version, info: config.info ?? {} },
    credentials,
    baseUrl: url === undefined ? listenUrl(config, hasTls) : demandUrl(url),
    probes: true,
  }
}

function listenUrl({ listen = {} }: Config, hasTls: boolean): string {
  const { host = '127.0.0.1', port = 8080 } = listen
  const name = host.includes(':') ? `[${host}]` : host
  return new URL(`${hasTls ? 'https' : 'http'}://${name}:${port}`).href.replace(/\/$/, '')
}

/** @throws CliFailure (usage) */
function demandUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.search === '' && parsed.hash === '') {
    return `${parsed.origin}${parsed.pathname}`.replace(/\/$/, '')
  }
  throw usageFailure(`--url ${url}: must be where the server is, such as https://live.example.com`)
}
