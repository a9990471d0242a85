/**
 * The size of `@watchpost/client` as a page gets it: bundled, minified and compressed, with all transports. Fails over the
 * budget, and if anything but the client itself is in it. Reads what the build made, so build first.
 */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

const BUDGET_BYTES = 10_240

const ENTRY = fileURLToPath(new URL('../packages/client/dist/index.js', import.meta.url))

// The compiler names the protocol's package, which a bundler would take in whole.
await import(new URL('../packages/client/scripts/protocol.mjs', import.meta.url).href)
// What a runtime lacks, or a package that is not found, must not pass for a smaller client.
const bundle = await rolldown({ input: ENTRY, platform: 'browser', logLevel: 'silent', treeshake: true })
// Notes for other bundlers are no part of a page.
const { output } = await bundle.generate({ format: 'esm', minify: true, comments: { annotation: false } })
await bundle.close()
const [{ code, imports, dynamicImports }] = output
const bytes = gzipSync(code, { level: 9 }).byteLength
console.log(`@watchpost/client: ${code.length} bytes minified, ${bytes} gzipped, of ${BUDGET_BYTES}`)
const outside = [...imports, ...dynamicImports]
if (outside.length > 0)
  console.log(`scripts/client-size.mjs:1: the client imports ${outside.join(', ')}; it must stand alone`)
if (bytes > BUDGET_BYTES) console.log(`scripts/client-size.mjs:1: over the budget by ${bytes - BUDGET_BYTES} bytes`)
if (outside.length > 0 || bytes > BUDGET_BYTES) process.exitCode = 1
