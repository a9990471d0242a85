/** The quakes that `quakes` is fed with, from the GeoJSON that the USGS publishes. */
import { z } from 'zod'
import { readDataset } from './dataset.ts'

export interface Quake {
  readonly type: 'quake'
  readonly data: {
    readonly id: string
    readonly kind: string
    readonly place: string
    readonly magnitude: number
    readonly longitude: number
    readonly latitude: number
    readonly depthKm: number
  }
  /** When the ground shook. */
  readonly timestamp: string
}

const Collection = z.object({
  features: z.array(
    z.object({
      id: z.string(),
      properties: z.object({ time: z.number(), mag: z.number(), place: z.string(), type: z.string() }),
      geometry: z.object({ coordinates: z.tuple([z.number(), z.number(), z.number()]) }),
    }),
  ),
})

/** All quakes in time order; the file has the newest first. */
export async function readQuakes(): Promise<readonly Quake[]> {
  const { features } = Collection.parse(JSON.parse(await readDataset('earthquakes.json')))
  return features
    .sort((a, b) => a.properties.time - b.properties.time)
    .map(({ id, properties, geometry }) => {
      const [longitude, latitude, depthKm] = geometry.coordinates
      const { mag: magnitude, place, type: kind } = properties
      return {
        type: 'quake',
        data: { id, kind, place, magnitude, longitude, latitude, depthKm },
        timestamp: new Date(properties.time).toISOString(),
      }
    })
}

/** Whether two quakes are the same record of the file. */
export const isSameQuake = (a: Quake, b: Quake): boolean => a.data.id === b.data.id
