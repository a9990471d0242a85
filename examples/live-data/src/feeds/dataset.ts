/** Where the real data lies: the files of the npm package `vega-datasets`. */
import { readFile } from 'node:fs/promises'

/** The URL of one of the package's files. Its entry point lies in a folder beside `data`. */
export const datasetUrl = (name: string): URL => new URL(`../data/${name}`, import.meta.resolve('vega-datasets'))

export const readDataset = (name: string): Promise<string> => readFile(datasetUrl(name), 'utf8')
