/** All benchmarks, or those that are named. Ratios between rows of one run hold; absolute figures depend on the machine. */
import { cpus } from 'node:os'
import { catchUp } from './catch-up.ts'
import { fanOut } from './fan-out.ts'
import { memory } from './memory.ts'
import { publish } from './publish.ts'

const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = {
  publish,
  'catch-up': catchUp,
  'fan-out': fanOut,
  memory,
}

const names = process.argv.slice(2)
const unknown = names.find((name) => !(name in BENCHMARKS))
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}"; choose from ${Object.keys(BENCHMARKS).join(', ')}.`)
  process.exit(2)
}
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`)
for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) await BENCHMARKS[name]?.()
