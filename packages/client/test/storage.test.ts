import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Keeper, memoryStorage, webStorage } from '../src/storage.ts'

it('tells a slow storage only what is newest by then, and says when all is written', async () => {
  const written: string[] = []
  const keeper = new Keeper({
    get: () => undefined,
    set: async (name, value) => {
      await sleep(5)
      written.push(`${name}=${value}`)
    },
  })
  for (let i = 0; i <= 100; i++) keeper.set('a', String(i))
  keeper.set('b', 'x')
  await keeper.settled()
  expect(written).toEqual(['a=0', 'a=100', 'b=x'])
  keeper.set('a', '101')
  await keeper.settled()
  expect(written.at(-1)).toBe('a=101')
})

it('has written to a quick storage before it goes on, and goes on without one that fails', async () => {
  const items = new Map<string, string>()
  const keeper = new Keeper(
    webStorage({ getItem: (name) => items.get(name) ?? null, setItem: (name, value) => void items.set(name, value) }),
  )
  keeper.set('a', '1')
  expect([...items]).toEqual([['watchpost:a', '1']])
  keeper.set('a', '2')
  expect(await keeper.get('a')).toBe('2')
  const fail = (): never => {
    throw new Error('the quota is used up')
  }
  const failing = new Keeper({ get: fail, set: fail })
  failing.set('a', '1')
  await failing.settled()
  expect(await failing.get('a')).toBeUndefined()
  const memory = memoryStorage()
  await memory.set('a', '3')
  expect(memory.get('a')).toBe('3')
})
