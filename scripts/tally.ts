/**
 * A reporter for Vitest that says in a few lines how a run went, for who sums up several: in the file that `TALLY_FILE`
 * names, first how many tests passed and failed, then the name of each that failed, or passed only when tried again.
 */
import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

const nameOf = ({ module, fullName }: TestCase): string => `${module.relativeModuleId} > ${fullName}`

export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const file = process.env['TALLY_FILE']
    if (file === undefined) throw new Error('TALLY_FILE: name the file that the tally is written to')
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const [passed, failed] = (['passed', 'failed'] as const).map((state) =>
      tests.filter((test) => test.result().state === state),
    ) as [TestCase[], TestCase[]]
    const again = passed.filter((test) => test.diagnostic()?.flaky === true)
    const lines = [
      `${passed.length} ${failed.length}`,
      ...failed.map((test) => `failed: ${nameOf(test)}`),
      ...again.map((test) => `passed when tried again: ${nameOf(test)}`),
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
  }
}
