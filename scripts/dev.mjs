/**
 * `npm run dev`: the example, restarted when its source or that of a package changes. Arguments go to the example.
 * The compiler watches the sources, Node watches what it writes; both end with this, and this ends with either.
 */
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const EXAMPLE = fileURLToPath(new URL('../examples/live-data', import.meta.url))
const TSC = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url))

/**
 * In a process group of its own, since both start a process that would outlive them.
 * @param {readonly string[]} args @param {string} cwd
 */
const start = (args, cwd) =>
  spawn(process.execPath, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], detached: true })

/** @param {import('node:child_process').ChildProcess} child */
function stop({ pid }) {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGTERM')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error
  }
}

// Something must be there to run before the first change.
const { status } = spawnSync(process.execPath, [TSC, '-b', EXAMPLE], { cwd: ROOT, stdio: 'inherit' })
if (status === 0) {
  const children = [
    start([TSC, '-b', '--watch', '--preserveWatchOutput', EXAMPLE], ROOT),
    start(['--watch', '--watch-preserve-output', 'dist/main.js', ...process.argv.slice(2)], EXAMPLE),
  ]
  const stopAll = () => children.forEach(stop)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stopAll)
  for (const child of children) child.once('exit', stopAll)
} else {
  process.exitCode = status ?? 1
}
