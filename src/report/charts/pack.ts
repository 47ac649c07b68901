import type { ChartSpec, Series } from './chart-spec.ts';

/** With fewer points it makes a page hardly smaller, and a chart harder to read in it. */
export const packedPointsMin = 500;

/** Series without the x of their points, which are one list for all of them. */
export type PackedSpec = Omit<ChartSpec, 'series'> & {
  xs: number[];
  series: (Omit<Series, 'points'> & { ys: (number | null)[] })[];
};

/** A chart with many points in about half the text: each x stands there once. `unpack.js` does the opposite. */
export function packed(spec: ChartSpec): ChartSpec | PackedSpec {
  const { series, ...rest } = spec;
  const xs = (series[0]?.points ?? []).map(([x]) => x);
  const isShared = series.every(
    ({ points }) => points.length === xs.length && points.every(([x], at) => x === xs[at]),
  );
  if (xs.length < packedPointsMin || series.length < 2 || !isShared) return spec;
  return {
    ...rest,
    xs,
    series: series.map(({ points, ...one }) => ({ ...one, ys: points.map(([, y]) => y) })),
  };
}
