/** What a configuration says of its API, in the documents. */
import { describe, expect, it } from 'vitest'
import { type Config, type InfoOptions, topic } from 'watchpost'
import { checkConfig } from '../src/config/check.ts'
import { version } from '../src/version.ts'
import { type OpenApi } from './fixtures/openapi-contract.ts'
import { expectClean } from './fixtures/openapi-linters.ts'
import { get, startServer } from './harness.ts'

const topics = { prices: topic({ events: { changed: {} }, watch: 'anyone' }) }

const INFO: InfoOptions = {
  title: 'Prices',
  version: '2.1.0',
  description: 'Of all that is sold.',
  contact: { name: 'Ada', url: 'https://example.com/help', email: 'ada@example.com' },
  license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
}

const infoIn = async (url: string, path: string): Promise<Record<string, unknown>> =>
  ((await get(`${url}${path}`)).body as { info: Record<string, unknown> }).info

describe('the info of the documents', () => {
  it('is what the configuration says, where it says it', { timeout: 120_000 }, async () => {
    const { url } = await startServer({ topics, info: INFO })
    expect(await infoIn(url, '/openapi.json')).toEqual(INFO)
    // AsyncAPI has no member for the identifier of a licence.
    expect(await infoIn(url, '/asyncapi.json')).toMatchObject({ ...INFO, license: { name: 'Apache 2.0' } })
    expect((await infoIn(url, '/asyncapi.json'))['license']).toEqual({ name: 'Apache 2.0' })
    const of = async (each: string): Promise<OpenApi> =>
      (await get(`${url}/openapi.json?version=${each}`)).body as OpenApi
    await expectClean({ '3.1': await of('3.1'), '3.2': await of('3.2') })
  })

  it('is of Watchpost where it says nothing', async () => {
    const { url } = await startServer({ topics, info: { license: { name: 'Own', url: 'https://example.com/terms' } } })
    for (const path of ['/openapi.json', '/asyncapi.json']) {
      expect(await infoIn(url, path)).toMatchObject({
        ...{ title: 'Watchpost', version, description: expect.stringMatching(/\w+/) as unknown },
        license: { name: 'Own', url: 'https://example.com/terms' },
      })
    }
  })

  it.each([
    [{ titel: 'x' }, 'unknown key "titel" in info; did you mean "title"?'],
    [{ title: '' }, 'info.title must be the name of the API, not ""'],
    [{ contact: { url: 'example.com' } }, 'info.contact.url must be a URL such as "https://example.com/support"'],
    [{ contact: { email: 'ada' } }, 'info.contact.email must be an e-mail address such as "api@example.com"'],
    [{ license: { identifier: 'MIT' } }, 'info.license needs "name"'],
    [
      { license: { name: 'MIT', identifier: 'MIT', url: 'https://example.com' } },
      'info.license has "identifier" and "url", of which a document can have one; remove the other',
    ],
  ])('is refused where no document could hold it: %j', (info, message) => {
    expect(() => checkConfig({ topics, info } as unknown as Config, 'config')).toThrow(message)
  })
})
