/** Serves the page: its files, and its scripts bundled into one. Each example has its own, much alike: copy it alone. */
import { fileURLToPath } from 'node:url'
import express, { type Router } from 'express'
import { rolldown } from 'rolldown'

const PAGE = fileURLToPath(new URL('../page/', import.meta.url))

// Everything comes from here, and no text can become a script: not as markup, since no script is inline, and not by
// `innerHTML` and its like, since trusted types forbid them altogether.
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
    ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** Bundles the page's scripts; resolves to what serves them and the other files. */
export async function createPage(): Promise<Router> {
  const bundle = await rolldown({ input: `${PAGE}app.ts`, platform: 'browser' })
  const { output } = await bundle.generate({ format: 'esm' })
  await bundle.close()
  const router = express.Router().use((_request, response, next) => {
    response.set(HEADERS)
    next()
  })
  router.get('/app.js', (_request, response) => void response.type('text/javascript').send(output[0].code))
  // By name, so that nothing else of the folder is served.
  router.get('/', (_request, response) => response.sendFile('index.html', { root: PAGE }))
  for (const name of ['style.css', 'icon.svg']) {
    router.get(`/${name}`, (_request, response) => response.sendFile(name, { root: PAGE }))
  }
  return router
}
