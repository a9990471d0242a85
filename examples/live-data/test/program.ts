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

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const take = (chunk: Buffer): void => void (this.#output += chunk.toString())
    this.#child.stdout?.on('data', take)
    this.#child.stderr?.on('data', take)
    this.#ended = once(this.#child, 'close').then(([code]) => ({ code: code as number | null, output: this.#output }))
  }

  /** Resolves to the URL that the program prints once it listens. */
  async url(): Promise<string> {
    for (;;) {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(this.#output)?.[0]
      if (url !== undefined) return url
      const chunk = this.#child.stdout === null ? undefined : once(this.#child.stdout, 'data')
      const ended = await Promise.race([chunk?.then(() => undefined), this.#ended])
      if (ended !== undefined) throw new Error(`the example ended before it listened:\n${ended.output}`)
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
