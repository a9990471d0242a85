import { limitsWith } from '@watchpost/protocol'
import { expect, it } from 'vitest'
import { Bodies } from '../src/http/body.ts'

it('the bodies of one publisher leave room for those of another [WP-8.1]', async () => {
  const bodies = new Bodies(limitsWith({ publishingBytesMax: 1_000, publishBytesMax: 300 }))
  const ends: (() => void)[] = []
  const hold = (client: string, bytes: number): Promise<void> =>
    bodies.holding(client, bytes, () => new Promise((resolve) => ends.push(resolve)))
  const held = [hold('holder ann', 300), hold('holder ann', 200)]
  await expect(hold('holder ann', 1)).rejects.toThrow('as much to publish as it may')
  held.push(hold('holder bob', 300), hold('address 192.0.2.1', 200))
  await expect(hold('holder eve', 1)).rejects.toThrow('as much to publish as it may')
  for (const end of ends.splice(0)) end()
  await Promise.all(held)
  const again = hold('holder ann', 500)
  expect(ends).toHaveLength(1)
  for (const end of ends) end()
  await again
})
