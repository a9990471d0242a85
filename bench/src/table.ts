/** Prints one row of a table of figures: the first column names, the others are aligned to the right. */
export function row(name: string, ...cells: readonly (string | number)[]): void {
  console.log(`  ${name.padEnd(34)}${cells.map((cell) => String(cell).padStart(16)).join('')}`)
}

/** A share as a percentage. */
export const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)} %`
