/** `950 B`, `12.3 MB`, `24.1 GB`: units of 1,000, as in the benchmarks. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const figure = value >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return `${figure} ${units[unit]}`;
}
