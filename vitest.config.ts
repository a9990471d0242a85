import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that take much longer than their size tells, by which Vitest orders those that it does not know yet. */
const LONG =
  /\/(?:delivery|faults|memory|drain-thousand|proxy-\w+|kill|hop|websocket-(?:liveness|judges)|page|board|openapi-fuzz|access-table|guides|conformance|judges)\.test\.ts$/

/** Begins with the files that take longest: one that ends long after all others keeps the machine from its work. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return [true, false].flatMap((isLong) => sorted.filter(({ moduleId }) => LONG.test(moduleId) === isLong))
  }
}

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'scripts/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    // No secret of any test may be in any log or error of the run: what is needed to look for them, and who looks.
    // And every answer and message of a server must be one that its documents foretell.
    setupFiles: ['packages/server/test/fixtures/secrets-setup.ts', 'packages/server/test/fixtures/foretold-setup.ts'],
    globalSetup: ['packages/server/test/fixtures/secrets-run.ts', 'packages/server/test/fixtures/foretold-run.ts'],
    // Many tests wait, for a heartbeat or for another process, so that five files at a time keep two cores busy.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
    // What is built is loaded as those who install it load it, by Node.js itself, which is also faster.
    server: { deps: { external: [/\/dist\//] } },
    // Tests of a file that mostly wait run beside each other.
    maxConcurrency: 3,
    // Nothing takes that long on a machine that has time; another one is not a fault.
    testTimeout: 90_000,
    hookTimeout: 60_000,
  },
})
