/** Ctrl-C and SIGTERM: the first asks a command to end in good order, the second ends it at once. */
import { EXIT } from './failure.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Aborts at the first signal. `onFirst` is called then. */
export function interruption(onFirst?: (signal: NodeJS.Signals) => void): AbortSignal {
  const controller = new AbortController()
  const onSignal = (signal: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted)
    controller.abort()
    onFirst?.(signal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return controller.signal
}
