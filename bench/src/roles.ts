/** Runs a role of a benchmark in a process of its own, so that its CPU time is its own too. Roles speak by messages. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What a process has used so far. Who is no Node.js process has no figures of a heap, and says 0. */
export interface Usage {
  readonly cpuMicros: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly externalBytes: number
  readonly arrayBuffersBytes: number
}

/** Commands that every role in Node.js answers. */
export const usageCommands = {
  /** What this process has used, as it stands. */
  usage: (): Usage => {
    const { user, system } = process.cpuUsage()
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    return {
      cpuMicros: user + system,
      rssBytes: rss,
      heapBytes: heapUsed,
      externalBytes: external,
      arrayBuffersBytes: arrayBuffers,
    }
  },
  /** Collects garbage, so that what the next `usage` tells is in use. */
  collect: (): void => globalThis.gc?.(),
} as const

/** A role as its parent sees it. */
export class Role {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Starts `roles/<file>` and resolves with its first message. */
  static async start(file: string, args: readonly string[] = []): Promise<{ role: Role; ready: string }> {
    const path = fileURLToPath(new URL(`./roles/${file}`, import.meta.url))
    const role = new Role(fork(path, [...args], { execArgv: ['--expose-gc'] }))
    return { role, ready: await role.#next<string>() }
  }

  /** Sends a command and resolves with its answer. */
  async ask<Answer>(command: string, ...args: readonly number[]): Promise<Answer> {
    const answer = this.#next<Answer>()
    this.#child.send([command, ...args])
    return answer
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }

  async #next<Message>(): Promise<Message> {
    const exited = new AbortController()
    const gone = once(this.#child, 'exit', { signal: exited.signal }).then(([code]) => {
      throw new Error(`a role of the benchmark ended with ${String(code)}`)
    })
    try {
      const [message] = (await Promise.race([once(this.#child, 'message'), gone])) as [Message]
      return message
    } finally {
      exited.abort()
      gone.catch(() => undefined)
    }
  }
}

export type Commands = Readonly<Record<string, (...args: number[]) => unknown>>

/** A role as it sees itself: answers commands until its parent is gone. */
export function serveRole(ready: string, commands: Commands): void {
  process.on('message', (message: [string, ...number[]]) => {
    const [command, ...args] = message
    void Promise.resolve(commands[command]?.(...args)).then((answer) => process.send?.(answer ?? null))
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.(ready)
}
