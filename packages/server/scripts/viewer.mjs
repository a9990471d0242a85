/**
 * Puts the viewer of OpenAPI documents beside what is compiled, so that the package can serve it: its script and its
 * licences. They are copied at build time, since the viewer's own package depends on one that reports installs.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const FROM = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')))
const TO = fileURLToPath(new URL('../dist/documents/page/viewer/', import.meta.url))

const read = (/** @type {string} */ name) => readFileSync(join(FROM, name), 'utf8')

/** Browsers would ask for a map that is not served. @param {string} text */
const withoutMap = (text) => text.replace(/\/\/# sourceMappingURL=.*\n?$/, '')

const files = {
  'swagger-ui.js': withoutMap(read('swagger-ui-bundle.js')),
  'LICENSE.txt': ['NOTICE', 'LICENSE', 'swagger-ui-bundle.js.LICENSE.txt'].map(read).join('\n\n'),
}
mkdirSync(TO, { recursive: true })
for (const [name, text] of Object.entries(files)) writeFileSync(join(TO, name), text)
