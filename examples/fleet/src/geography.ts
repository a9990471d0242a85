/** The real map: the Tube's lines and London's boroughs, from the TopoJSON files of the npm package `vega-datasets`. */
import { readFile } from 'node:fs/promises'

export type Position = readonly [longitude: number, latitude: number]

/** Lines on the map under one name: the tracks of a line from station to station, or the outline of a borough. */
export interface Feature {
  readonly name: string
  readonly paths: readonly (readonly Position[])[]
}

/** Neighbours share arcs, which are written as small steps on a grid. */
interface Topology {
  readonly transform: { readonly scale: Position; readonly translate: Position }
  readonly arcs: readonly (readonly Position[])[]
  readonly objects: Readonly<Record<string, { readonly geometries: readonly Geometry[] }>>
}

type Geometry = { readonly id: string } & (
  | { readonly type: 'LineString'; readonly arcs: readonly number[] }
  | { readonly type: 'Polygon'; readonly arcs: readonly (readonly number[])[] }
  | { readonly type: 'MultiPolygon'; readonly arcs: readonly (readonly (readonly number[])[])[] }
)

export const readLines = (): Promise<Feature[]> => readFeatures('londonTubeLines.json')
export const readBoroughs = (): Promise<Feature[]> => readFeatures('londonBoroughs.json')

/** Where the names of the boroughs belong. */
export async function readNames(): Promise<{ readonly name: string; readonly position: Position }[]> {
  const names = (await readDataset('londonCentroids.json')) as { name: string; cx: number; cy: number }[]
  return names.map(({ name, cx, cy }) => ({ name, position: [rounded(cx), rounded(cy)] }))
}

/** The package's entry point lies in a folder beside `data`. */
const readDataset = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../data/${name}`, import.meta.resolve('vega-datasets')), 'utf8'))

async function readFeatures(name: string): Promise<Feature[]> {
  const { transform, arcs, objects } = (await readDataset(name)) as Topology
  const decoded = arcs.map((arc) => decode(arc, transform))
  const paths = new Map<string, (readonly Position[])[]>()
  for (const geometry of Object.values(objects).flatMap(({ geometries }) => geometries)) {
    const known = paths.get(geometry.id) ?? []
    paths.set(geometry.id, [...known, ...runsOf(geometry).map((run) => joined(run, decoded))])
  }
  return [...paths].map(([id, its]) => ({ name: id, paths: its }))
}

function decode(arc: readonly Position[], { scale, translate }: Topology['transform']): Position[] {
  let x = 0
  let y = 0
  return arc.map(([dx, dy]) => {
    x += dx
    y += dy
    return [rounded(x * scale[0] + translate[0]), rounded(y * scale[1] + translate[1])]
  })
}

/** To about a metre. */
export const rounded = (degrees: number): number => Math.round(degrees * 1e5) / 1e5

function runsOf(geometry: Geometry): readonly (readonly number[])[] {
  if (geometry.type === 'LineString') return [geometry.arcs]
  return geometry.type === 'Polygon' ? geometry.arcs : geometry.arcs.flat()
}

/** Arcs one after the other: `~index` means backwards, and the first point repeats the last of the arc before. */
const joined = (run: readonly number[], arcs: readonly (readonly Position[])[]): Position[] =>
  run.flatMap((index, i) => {
    const points = index < 0 ? (arcs[~index] ?? []).toReversed() : (arcs[index] ?? [])
    return i === 0 ? points : points.slice(1)
  })
