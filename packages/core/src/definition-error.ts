/** What is wrong with a topic definition. */

/** A definition that can't work; the message names the topic, the member and the fix. */
export class DefinitionError extends Error {
  override readonly name = 'DefinitionError'
}
