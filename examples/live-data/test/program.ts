/** Runs the built example as its own process, as `npm start` does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

/** A run that came to its end. */
export interface Ended {
  readonly code: number | null
  readonly output: string
}

export class Program {
  readonly #child: ChildProcess
  readonly #ended: Promise<Ended>
  #output = ''

  /** `env` is added to the environment of the tests. */
  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const take = (chunk: Buffer): void => void (this.#output += chunk.toString())
    this.#child.stdout?.on('data', take)
    this.#child.stderr?.on('data', take)
    this.#ended = once(this.#child, 'close').then(([code]) => ({ code: code as number | null, output: this.#output }))
  }

  /** Resolves to the URL that the program prints once it listens. */
  url(): Promise<string> {
    // With the end of its line, since a chunk may end within the port.
    return this.printed(/http:\/\/127\.0\.0\.1:\d+(?=\n)/)
  }

  /** Resolves to the first match in what the program has printed, once there is one. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#output)?.[0]
      if (match !== undefined) return match
      const chunk = this.#child.stdout === null ? undefined : once(this.#child.stdout, 'data')
      const ended = await Promise.race([chunk?.then(() => undefined), this.#ended])
      if (ended !== undefined) throw new Error(`the example ended without printing ${pattern}:\n${ended.output}`)
    }
  }

  ended(): Promise<Ended> {
    return this.#ended
  }

  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<Ended> {
    this.#child.kill(signal)
    return this.#ended
  }
}
