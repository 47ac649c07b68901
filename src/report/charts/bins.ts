/** Bars of a histogram that a reader can take in. */
const binsMax = 40;

/** Bars side by side: each `step` wide, or `step` times as large as the one before when `logarithmic`. */
export type Bins = { from: number; step: number; logarithmic: boolean; counts: number[] };

/** Bins of one width, or of one ratio where the largest sample is more than 8 times the smallest. */
export function binned(buckets: readonly { value: number; count: number }[]): Bins {
  const smallest = Math.max(1, buckets[0]?.value ?? 1);
  const largest = Math.max(smallest, buckets.at(-1)?.value ?? 1);
  const logarithmic = largest / smallest > 8;
  const width = niceStep((largest - smallest) / binsMax);
  const ratio = (largest / smallest) ** (1 / (binsMax - 1));
  const bins: Bins = logarithmic
    ? { from: smallest, step: ratio, logarithmic, counts: [] }
    : { from: Math.floor(smallest / width) * width, step: width, logarithmic, counts: [] };
  const position = (value: number): number =>
    logarithmic
      ? Math.log(Math.max(value, bins.from) / bins.from) / Math.log(ratio)
      : (value - bins.from) / width;
  // 1e-9: a value on an edge belongs to the bin that starts there, whatever the logarithm's last digit says.
  const indexOf = (value: number): number => Math.max(0, Math.floor(position(value) + 1e-9));
  bins.counts = Array.from({ length: indexOf(largest) + 1 }, () => 0);
  for (const { value, count } of buckets) {
    const index = indexOf(value);
    bins.counts[index] = (bins.counts[index] ?? 0) + count;
  }
  return bins;
}

/** 1, 2 or 5 times a power of ten, not below `step`. */
export function niceStep(step: number): number {
  if (step <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(step));
  return ([1, 2, 5, 10].find((factor) => factor * power >= step) ?? 10) * power;
}
