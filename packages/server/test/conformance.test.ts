/** The cases of @watchpost/conformance, on every transport of a real server. */
import {
  type Case,
  type Context,
  cases,
  contextOf,
  type Driver,
  drivers,
  lose,
  post,
  SUITE_TOPICS,
} from '@watchpost/conformance'
import { beforeAll, describe, it } from 'vitest'
import { serverForAll } from './harness.ts'

const server = serverForAll({
  ...{ topics: SUITE_TOPICS, heartbeatMs: 1_500, durability: 'os' },
  // Cases wait for members to leave.
  limits: { presenceGraceMs: 500 },
})
const other = serverForAll({ topics: SUITE_TOPICS })
let shared: Pick<Context, 'baseUrl' | 'foreignCursor' | 'loss'>

beforeAll(async () => {
  const [published] = await post(other.url, 'free/other/log', [{ type: 'line' }])
  shared = { baseUrl: server.url, foreignCursor: published?.id ?? '', loss: await lose(server.url) }
})

const expectPassed = ({ run }: Case, driver: Driver): Promise<void> => run(contextOf({ ...shared, driver }))

// At the same time, since some of them wait for a heartbeat or for the log to be trimmed.
describe.concurrent.each(drivers.map((driver) => [driver.name, driver] as const))('%s', (_name, driver) => {
  it.each(cases.map((each) => [each.name, each] as const))('%s', async (_case, each) => {
    await expectPassed(each, driver)
  })
})
