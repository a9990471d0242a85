/** The pages of the documents do what they say: their commands are run as they stand. */
import { it } from 'vitest'
import { pagesOf, readPage } from '../../../scripts/markdown.mjs'
import { beside } from './fixtures/side-by-side.ts'
import { walk } from './fixtures/walkthrough.ts'

const pages = pagesOf().filter((path) => readPage(path).isRun)

it('runs the commands of some pages at all', ({ expect }) => {
  expect(pages).toContain('docs/getting-started.md')
})

for (const path of pages) {
  it.concurrent(
    `${path}: its commands work as pasted, and print what it says`,
    { timeout: 180_000 },
    beside(async ({ expect }) => expect(await walk(path, path === 'docs/getting-started.md')).toBeGreaterThan(0)),
  )
}
