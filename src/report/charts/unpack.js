// Charts as they come in a page. Plain JavaScript, because the page inlines this text and Node imports it.

/** A chart as `packed` was given it (pack.ts). */
export function unpacked({ xs, ...spec }) {
  if (!xs) return spec;
  const series = spec.series.map(({ ys, ...one }) => ({ ...one, points: ys.map((y, at) => [xs[at], y]) }));
  return { ...spec, series };
}
