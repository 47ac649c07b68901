/** Figures as they stand in findings. */

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
