/** What the server and the page both go by. */

/** The longest message, in UTF-16 code units, as `length` counts them. */
export const MESSAGE_LENGTH_MAX = 2_000
