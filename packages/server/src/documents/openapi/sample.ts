/** Examples of events of a topic, as each route carries them. */
import { maskedData } from '@watchpost/core'
import { encodeSse, type Json, type Limits } from '@watchpost/protocol'
import { exampleData } from '../examples.ts'
import type { TopicSchemas } from '../topics.ts'

const CURSOR = 'k7f2x.1042'
const BEFORE = 'k7f2x.1041'
const TIME = '2026-11-22T12:34:56.789Z'

/** An event as it is watched and as it is published. */
export interface Sample {
  readonly event: Readonly<Record<string, Json>> & { readonly type: string }
  readonly publish: Readonly<Record<string, Json>>
}

/** An event of the first type that one is known of; `undefined` if there is none within the limits. */
export function sampleOf({ topic, masked = [] }: TopicSchemas, { keyBytesMax }: Limits): Sample | undefined {
  const name = topic.template.replaceAll(/\{([^/]*)\}/g, '$1')
  for (const [type, { ephemeral }] of topic.schemas) {
    // What is not stored is in no page and no state.
    const data = ephemeral ? undefined : exampleData(topic, type)
    if (data === undefined) continue
    const key = topic.keyOf?.(type, data)
    if (Buffer.byteLength(key ?? '') > keyBytesMax) continue
    const shown = maskedData(data, masked)
    return {
      event: { type, topic: name, id: CURSOR, ...(key !== undefined && { key }), data: shown, timestamp: TIME },
      publish: { type, data },
    }
  }
  return undefined
}

export const samplePage = ({ event }: Sample): Json => ({ events: [event], cursor: CURSOR, more: false })

export const sampleState = ({ event }: Sample): Json => ({ cursor: CURSOR, events: [event] })

export const sampleReceipt = (): Json => ({ events: [{ id: CURSOR, timestamp: TIME }] })

/** A stream that was told of one event, and then of none for a while. */
export function sampleStream(sample: Sample | undefined): string {
  const bookmark = { type: 'bookmark', data: { cursor: 'k7f2x.1057' }, timestamp: TIME }
  return [
    encodeSse({
      comment: 'retry, and welcome with the cursor that the stream starts from, come first',
      retryMs: 2_000,
      id: BEFORE,
    }),
    ...(sample ? [encodeSse({ id: CURSOR, event: sample.event.type, data: JSON.stringify(sample.event) })] : []),
    encodeSse({ id: 'k7f2x.1057', event: 'bookmark', data: JSON.stringify(bookmark) }),
  ].join('')
}
