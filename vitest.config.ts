import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    // No secret of any test may be in any log or error of the run: what is needed to look for them, and who looks.
    setupFiles: ['packages/server/test/fixtures/secrets-setup.ts'],
    globalSetup: ['packages/server/test/fixtures/secrets-run.ts'],
    // Many tests wait, for a heartbeat or for another process, so three files at a time take little more than one.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
