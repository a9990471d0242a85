/** Signs of what became of the network, and a beat to look whether connections still live. */

const BEAT_MS = 1_000

/** A beat that comes so much later says that the machine, or the page, was asleep. */
const ASLEEP_MS = 10_000

/**
 * - `online`: the network is there, and may be another one than before;
 * - `offline`: it is gone, though this machine and its neighbours may still be reached;
 * - `awake`: the page is looked at again, or was taken up again after a while in which nothing could be noticed;
 * - `beat`: about once a second.
 */
export type Sign = 'online' | 'offline' | 'awake' | 'beat'

type Listener = (event: { readonly type: string }) => void

/** As much of a browser's `window` as is used; other runtimes have none of it. */
interface Page {
  addEventListener?(type: string, listener: Listener, capture: true): void
  removeEventListener?(type: string, listener: Listener, capture: true): void
  readonly navigator?: { readonly onLine?: boolean }
}

const EVENTS = ['online', 'offline', 'pageshow', 'resume', 'visibilitychange']

const page = globalThis as Page

/** Whether the browser knows that there is no network. */
export const isOffline = (): boolean => page.navigator?.onLine === false

/** Returns what ends it. */
export function watchNetwork(tell: (sign: Sign) => void): () => void {
  const listener: Listener = ({ type }) => tell(type === 'online' || type === 'offline' ? type : 'awake')
  // Of those that are the document's, some do not bubble.
  for (const type of EVENTS) page.addEventListener?.(type, listener, true)
  let lastMs = Date.now()
  const timer: unknown = setInterval(() => {
    const slept = Date.now() - lastMs > ASLEEP_MS
    lastMs = Date.now()
    tell(slept ? 'awake' : 'beat')
  }, BEAT_MS)
  // In Node.js it is no reason to stay alive.
  ;(timer as { unref?: () => void }).unref?.()
  return () => {
    for (const type of EVENTS) page.removeEventListener?.(type, listener, true)
    clearInterval(timer as number)
  }
}
