/** Turns the body of a publish into events, by its media type [WP-3.9]. */
import { ProblemError } from '@watchpost/protocol'
import { fromCloudEvents } from './cloudevents.ts'
import { decodeText, parseJson } from './json.ts'

type Parse = (text: string) => readonly unknown[]

const PARSERS: Readonly<Record<string, Parse>> = {
  'application/json': (text) => asList(readJson(text, 'The body')),
  'application/x-ndjson': parseLines,
  'application/cloudevents+json': (text) => [fromCloudEvents(readJson(text, 'The body'), 0)],
  'application/cloudevents-batch+json': (text) => asBatch(readJson(text, 'The body')).map(fromCloudEvents),
}

/** @throws ProblemError `unsupported-media-type`, `invalid-message` or `invalid-event` */
export function parsePublishBody(body: Buffer, contentType: string | undefined): readonly unknown[] {
  const mediaType = (contentType ?? 'application/json').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const parse = Object.hasOwn(PARSERS, mediaType) ? PARSERS[mediaType] : undefined
  if (parse === undefined) {
    throw new ProblemError(
      'unsupported-media-type',
      `Content-Type ${JSON.stringify(mediaType)} is not read; send one of ${Object.keys(PARSERS).join(', ')}.`,
    )
  }
  return parse(demandReadable(() => decodeText(body, 'The body')))
}

function parseLines(text: string): readonly unknown[] {
  const events: unknown[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() !== '') events.push(readJson(line, `Line ${index + 1}`))
  }
  return events
}

const readJson = (text: string, what: string): unknown => demandReadable(() => parseJson(text, what))

function demandReadable<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new ProblemError('invalid-message', (error as RangeError).message)
  }
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

function asBatch(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new ProblemError('invalid-message', 'A CloudEvents batch is a JSON array.')
}
