/** Turns the body of a publish into events, by its media type [WP-3.9]. */
import { ProblemError } from '@watchpost/protocol'
import { fromCloudEvents } from './cloudevents.ts'

type Parse = (text: string) => readonly unknown[]

const PARSERS: Readonly<Record<string, Parse>> = {
  'application/json': (text) => asList(parseJson(text, 'The body')),
  'application/x-ndjson': parseLines,
  'application/cloudevents+json': (text) => [fromCloudEvents(parseJson(text, 'The body'), 0)],
  'application/cloudevents-batch+json': (text) => asBatch(parseJson(text, 'The body')).map(fromCloudEvents),
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
  return parse(decode(body))
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new ProblemError('invalid-message', 'The body is not UTF-8.')
  }
}

function parseLines(text: string): readonly unknown[] {
  const events: unknown[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() !== '') events.push(parseJson(line, `Line ${index + 1}`))
  }
  return events
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // V8's message may quote the body, which may be anything; only where it failed is passed on.
    const position = /position (\d+)/.exec((error as Error).message)?.[1]
    const where = position === undefined ? '' : ` at character ${position}`
    throw new ProblemError('invalid-message', `${what} is not JSON: it fails${where}.`)
  }
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value])

function asBatch(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new ProblemError('invalid-message', 'A CloudEvents batch is a JSON array.')
}
