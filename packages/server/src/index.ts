/** The library face of Watchpost. */
export {
  type Access,
  type AccessContext,
  DefinitionError,
  type Identity,
  type JsonSchema,
  type KeyedTopicDefinition,
  type Retention,
  type StandardSchema,
  type TopicDefinition,
  type Transport,
  type TypedTopicDefinition,
  topic,
} from '@watchpost/core'
export { StoreError } from '@watchpost/log-lmdb'
export {
  type EphemeralEvent,
  type Event,
  type Gap,
  type Json,
  ProblemError,
  type ProblemName,
} from '@watchpost/protocol'
export type { Algorithm, ApiKey, AuthOptions, CertificateRights, Jwks, JwtIssuer } from './auth/options.ts'
export { ConfigError } from './config/check.ts'
export {
  type Config,
  type CorsOptions,
  defineConfig,
  type InfoOptions,
  type ListenOptions,
  type LogLevel,
  type Topics,
} from './config/config.ts'
export { createWatchpost } from './server.ts'
export type { GapMessage, NewEvent, TopicOf, WatchedEvent } from './types.ts'
export type { AttachOptions, Published, WatchOptions, Watchpost } from './watchpost.ts'
