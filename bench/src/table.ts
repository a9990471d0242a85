/** Prints one row of a table of figures: the first column names, the others are aligned to the right. */
export function row(name: string, ...cells: readonly (string | number)[]): void {
  console.log(`  ${name.padEnd(32)}${cells.map((cell) => String(cell).padStart(16)).join('')}`)
}
