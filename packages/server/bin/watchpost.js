#!/usr/bin/env node
// Committed, unlike dist/main.js that it runs: npm links a program only if its file is there when it installs.
import { existsSync } from 'node:fs'

const main = new URL('../dist/main.js', import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  console.error('watchpost is not built yet: run `npm run build` first, at the root of its repository')
  process.exitCode = 1
}
