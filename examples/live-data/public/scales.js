/** From values to pixels, and which values deserve a line of the grid. */

/** @param {number} from @param {number} to @param {number} fromPx @param {number} toPx @returns {(value: number) => number} */
export function linear(from, to, fromPx, toPx) {
  const span = to - from || 1
  return (value) => fromPx + ((value - from) / span) * (toPx - fromPx)
}

/** @param {number} from @param {number} to @param {number} fromPx @param {number} toPx @returns {(value: number) => number} */
export function logarithmic(from, to, fromPx, toPx) {
  const scale = linear(Math.log(from), Math.log(to), fromPx, toPx)
  return (value) => scale(Math.log(value))
}

/** 1, 2, 5, 10, 20, … from just below `min` to just above `max`; both are positive. @param {number} min @param {number} max */
export function roundTicks(min, max) {
  const ticks = []
  for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) {
    for (const digit of [1, 2, 5]) ticks.push(digit * 10 ** power)
  }
  const first = ticks.findLastIndex((tick) => tick <= min)
  const last = ticks.findIndex((tick) => tick >= max && tick > min)
  return ticks.slice(Math.max(0, first), last + 1)
}

/** The first days of the years between two times. @param {number} fromMs @param {number} toMs @param {number} everyYears */
export function yearTicks(fromMs, toMs, everyYears) {
  const ticks = []
  for (let year = new Date(fromMs).getUTCFullYear(); Date.UTC(year, 0) <= toMs; year += everyYears) {
    if (Date.UTC(year, 0) >= fromMs) ticks.push(Date.UTC(year, 0))
  }
  return ticks
}

/** Moves labels apart, so that each has `heightPx` to itself, as little as the order of their places allows. @param {readonly number[]} placesPx in rising order @param {number} heightPx @param {number} bottomPx */
export function spread(placesPx, heightPx, bottomPx) {
  const spreadPx = [...placesPx]
  for (let i = 1; i < spreadPx.length; i++) {
    spreadPx[i] = Math.max(spreadPx[i] ?? 0, (spreadPx[i - 1] ?? 0) + heightPx)
  }
  let limitPx = bottomPx
  for (let i = spreadPx.length - 1; i >= 0; i--) {
    spreadPx[i] = Math.min(spreadPx[i] ?? 0, limitPx)
    limitPx = (spreadPx[i] ?? 0) - heightPx
  }
  return spreadPx
}

/** A line through points, as the `d` of a path. @param {readonly (readonly [number, number])[]} points */
export const lineThrough = (points) =>
  points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
