/** What a document says of the end of a topic [WP-6.8], and what changed of it. */
import { isObject } from './pointed.ts'

/** That a topic is to end. */
export interface Ending {
  readonly sunset?: string
  readonly use?: string
}

/** `undefined` of a topic that is not deprecated. @param said the member `deprecated` of `x-topic` */
export function endingIn(said: unknown): Ending | undefined {
  if (!isObject(said)) return undefined
  const { sunset, use } = said
  return {
    ...(typeof sunset === 'string' && { sunset }),
    ...(typeof use === 'string' && { use }),
  }
}

/** In words, as parts of one sentence each. Nothing of it breaks anybody: the topic works as before. */
export function endingChanges(before: Ending | undefined, after: Ending | undefined): readonly string[] {
  if (after === undefined) return before === undefined ? [] : ['is no longer deprecated.']
  const { sunset, use } = after
  if (before === undefined) {
    const until = sunset === undefined ? '' : `, and may be gone from ${sunset} on`
    return [`is deprecated now${until}${use === undefined ? '' : `; ${JSON.stringify(use)} takes its place`}.`]
  }
  return [
    ...(sunset === before.sunset
      ? []
      : [`may be gone from ${sunset ?? 'some time'} on, not ${before.sunset ?? 'some time'}.`]),
    ...(use === before.use ? [] : [`is succeeded by ${named(use)}, not ${named(before.use)}.`]),
  ]
}

const named = (topic: string | undefined): string => (topic === undefined ? 'no topic' : JSON.stringify(topic))
