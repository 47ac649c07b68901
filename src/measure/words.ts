/** Figures as they stand in messages and summaries. */

/** `480 µs`, `12.3 ms`, `1.42 s`. */
export function durationText(us: number): string {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 999_500) return `${significant(us / 1000)} ms`;
  return `${significant(us / 1_000_000)} s`;
}

/** `27 %`, `99.3 %`, from a ratio. */
export function percentText(ratio: number): string {
  return `${significant(ratio * 100)} %`;
}

/** `1,000` */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `1 pod`, `1,000 pods` */
export function countOf(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Three digits that matter. */
function significant(value: number): string {
  if (value >= 100) return countText(Math.round(value));
  return String(Number(value.toPrecision(3)));
}
