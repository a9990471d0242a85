/** Reads the polygons of a TopoJSON object: arcs are shared by neighbours, and written as small steps on a grid. */

/** @typedef {[number, number]} Point longitude and latitude, degrees */

/**
 * @typedef {object} Topology
 * @property {{ scale: [number, number], translate: [number, number] }} transform
 * @property {readonly (readonly Point[])[]} arcs
 * @property {Readonly<Record<string, { type: string, arcs: readonly (readonly (readonly number[])[])[] }>>} objects
 */

/** The rings of a MultiPolygon. @param {Topology} topology @param {string} name @returns {Point[][]} */
export function ringsOf(topology, name) {
  const object = topology.objects[name]
  if (object?.type !== 'MultiPolygon') throw new Error(`the map has no MultiPolygon "${name}"`)
  const arcs = topology.arcs.map((arc) => decodeArc(arc, topology.transform))
  return object.arcs.flat().map((ring) => ring.flatMap((index, i) => joint(arcs, index, i > 0)))
}

/** @param {readonly Point[]} steps @param {Topology['transform']} transform @returns {Point[]} */
function decodeArc(steps, { scale, translate }) {
  let x = 0
  let y = 0
  return steps.map(([dx, dy]) => {
    x += dx
    y += dy
    return [x * scale[0] + translate[0], y * scale[1] + translate[1]]
  })
}

/** An arc as a part of a ring: `~index` means backwards, and the first point repeats the last of the arc before. @param {Point[][]} arcs @param {number} index @param {boolean} follows */
function joint(arcs, index, follows) {
  const arc = arcs[index < 0 ? ~index : index] ?? []
  const points = index < 0 ? arc.toReversed() : arc
  return follows ? points.slice(1) : points
}
