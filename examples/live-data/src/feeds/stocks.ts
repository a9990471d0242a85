/** The prices that `stocks` is fed with, from `stocks.csv`: one per company and month. */
import { parse } from 'csv-parse/sync'
import { z } from 'zod'
import { readDataset } from './dataset.ts'

export interface PriceUpdate {
  readonly type: 'priceUpdate'
  readonly data: { readonly symbol: string; readonly price: number }
  /** The month's first day, as the file has it. */
  readonly timestamp: string
}

const Rows = z.array(z.object({ symbol: z.string(), date: z.string(), price: z.coerce.number() }))

/** All prices in time order; those of one month stay in the order of the file. */
export async function readPrices(): Promise<readonly PriceUpdate[]> {
  const rows = Rows.parse(parse(await readDataset('stocks.csv'), { columns: true }))
  return rows
    .map(({ symbol, date, price }) => ({
      type: 'priceUpdate' as const,
      data: { symbol, price },
      timestamp: new Date(`${date} UTC`).toISOString(),
    }))
    .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
}

/** Whether an event of the log is this record of the file. */
export const isSamePrice = (
  record: PriceUpdate,
  event: { readonly timestamp: string; readonly data: { readonly symbol: string } | null },
): boolean => record.timestamp === event.timestamp && record.data.symbol === event.data?.symbol
