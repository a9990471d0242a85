/** Writing to a terminal, a pipe or a file. */
import { once } from 'node:events'
import type { WriteStream } from 'node:tty'
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

type Output = Pick<WriteStream, 'isTTY'>

/** Colours are for people who look at a terminal and did not ask for none (https://no-color.org). */
export const hasColours = (output: Output): boolean =>
  output.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb'

/** Styles texts if the output shows colours. */
export function painter(output: Output): (style: Style, text: string) => string {
  return hasColours(output)
    ? (style, text) => styleText(style, text, { validateStream: false })
    : (_style, text) => text
}

// Control characters are what is looked for.
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** A text from elsewhere without what could steer a terminal; line ends stay. */
export const printable = (text: string): string =>
  text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Writes to stdout, and waits where its reader is slower. */
export async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

/** A line for people, beside the output proper. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}
