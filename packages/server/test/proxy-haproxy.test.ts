import { describe } from 'vitest'
import { HAPROXY } from './fixtures/proxies.ts'
import { proxySuite } from './fixtures/proxies-suite.ts'

describe('HAProxy', () => {
  proxySuite(HAPROXY)
})
