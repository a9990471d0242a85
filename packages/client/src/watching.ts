/// <reference lib="esnext.disposable" preserve="true" />
/** A subscription, as its caller has it: to be listened to, or iterated. */
import type { Settings } from './options.ts'
import type { Subscription } from './subscription.ts'
import type { Watch } from './watch.ts'

export function watching(subscription: Subscription, settings: Settings): Watch<unknown> {
  const close = async (): Promise<void> => {
    subscription.end()
    await settings.keeper.settled()
  }
  const watch = {
    on: subscription.on.bind(subscription),
    get cursor() {
      return subscription.cursor
    },
    get status() {
      return subscription.status
    },
    close,
    /** What several iterate is shared between them: each event goes to one. */
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const value = await subscription.next()
        return { done: value === undefined, value }
      },
      return: async () => {
        subscription.settle()
        await close()
        return { done: true, value: undefined }
      },
    }),
    // Not every runtime has the symbol yet.
    ...(Symbol.asyncDispose !== undefined && { [Symbol.asyncDispose]: close }),
  }
  return watch as unknown as Watch<unknown>
}
