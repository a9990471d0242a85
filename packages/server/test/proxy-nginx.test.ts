import { describe } from 'vitest'
import { NGINX } from './fixtures/proxies.ts'
import { proxySuite } from './fixtures/proxies-suite.ts'

describe('nginx', () => {
  proxySuite(NGINX)
})
