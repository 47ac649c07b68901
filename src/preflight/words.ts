/** Figures as they stand in findings. */

/** `950 B`, `12.3 MB`, `24.1 GB`: units of 1,000, as in the benchmarks. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${significant(value, 3)} ${units[unit]}`;
}

/** `27 %`, from a ratio. */
export function percentText(ratio: number): string {
  return `${Math.round(ratio * 100)} %`;
}

/** `1,000` */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 core`, `1,000 pods` */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** A limit that is an estimate, two digits of it, never rounded up: `2,300 nodes` of 2,389. */
export function aboutNodesText(nodes: number): string {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, nodes))) - 1);
  return countOf(Math.floor(nodes / step) * step, 'node');
}

function significant(value: number, digits: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(digits)));
}
