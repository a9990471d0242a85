/** Numbers and times as text. Data sets have times in UTC and without a place, so they are shown in UTC. */

const month = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' })
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const count = new Intl.NumberFormat('en')

/** @param {number} timeMs */
export const monthText = (timeMs) => month.format(timeMs)

/** @param {string} timestamp */
export const momentText = (timestamp) => `${moment.format(Date.parse(timestamp))} UTC`

/** In the visitor's own time zone. @param {string} timestamp */
export const clockText = (timestamp) => clock.format(Date.parse(timestamp))

/** @param {number} value */
export const countText = (value) => count.format(value)

/** @param {number} dollars */
export const priceText = (dollars) => dollars.toFixed(2)

/** A minus sign, not a hyphen, since negative magnitudes exist. @param {number} magnitude */
export const magnitudeText = (magnitude) => magnitude.toFixed(1).replace('-', '\u2212')

/** @param {number} bytes */
export const gigabytesText = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`

/** @param {number | null} percent */
export const percentText = (percent) => (percent === null ? 'unknown' : `${percent.toFixed(0)} %`)

/** How much of a data set is here. @param {number} have @param {number | undefined} all @param {string} what */
export function progressText(have, all, what) {
  if (all === undefined) return `${countText(have)} ${what}`
  if (have < all) return `${countText(have)} of ${countText(all)} ${what}`
  return `all ${countText(all)} ${what}: the data set ends here`
}
