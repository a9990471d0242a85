import { type Resolved } from '@watchpost/core'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { logRuleFailures } from '../src/rule-failures.ts'

it('logs a rule that fails at each request once a minute, and how often it did since [WP-6.1]', () => {
  const lines: string[] = []
  let nowMs = 0
  const log = logRuleFailures(pino({}, { write: (line) => void lines.push(line) }), { monotonic: () => nowMs })
  const resolvedOf = (name: string): Resolved =>
    ({ topic: { template: name.replace(/\/.*/, '/{room}') }, name, params: {} }) as unknown as Resolved
  for (let i = 0; i < 1_000; i++) log(new TypeError('no rooms'), resolvedOf(`chat/${i}`))
  log(new TypeError('no rooms'), resolvedOf('other/1'))
  nowMs = 60_000
  log(new TypeError('no rooms'), resolvedOf('chat/x'))
  const told = lines.map((line) => JSON.parse(line) as { definition: string; topic: string; sinceLast: number })
  expect(told.map(({ definition, topic, sinceLast }) => [definition, topic, sinceLast])).toEqual([
    ['chat/{room}', 'chat/0', 0],
    ['other/{room}', 'other/1', 0],
    ['chat/{room}', 'chat/x', 999],
  ])
})
