/**
 * All benchmarks, or those whose names begin with what is given. `--seconds` sets for how long each load is measured.
 * Ratios between rows of one run hold; absolute figures depend on the machine.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { catchUp } from './catch-up.ts'
import { compression, fanOutSse, fanOutWebSocket } from './fan-out.ts'
import { memorySse, memoryWebSocket } from './memory.ts'
import { publish } from './publish.ts'
import { stalled } from './stalled.ts'

const BENCHMARKS: Readonly<Record<string, (seconds?: number) => Promise<void>>> = {
  publish,
  'catch-up': catchUp,
  'fan-out-sse': fanOutSse,
  'fan-out-websocket': fanOutWebSocket,
  compression,
  stalled,
  'memory-sse': memorySse,
  'memory-websocket': memoryWebSocket,
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { seconds: { type: 'string' } } })
const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
if (seconds !== undefined && !(Number.isInteger(seconds) && seconds >= 1)) {
  console.error(`--seconds is ${values.seconds}; give a whole number of at least 1.`)
  process.exit(2)
}
const isAmong = (name: string): boolean => Object.keys(BENCHMARKS).some((known) => known.startsWith(name))
const unknown = positionals.find((name) => !isAmong(name))
if (unknown !== undefined) {
  console.error(`There is no benchmark "${unknown}"; choose from ${Object.keys(BENCHMARKS).join(', ')}.`)
  process.exit(2)
}
console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`)
for (const [name, run] of Object.entries(BENCHMARKS)) {
  if (positionals.length === 0 || positionals.some((given) => name.startsWith(given))) await run(seconds)
}
