// Bars of a histogram. Plain JavaScript, because the page inlines this text and Node imports it.
import { axisFormat } from './format.js';

/** The axes and the series of bins (see bins.ts): the parts of a ChartSpec that follow from them. */
export function barsOf({ from, step, logarithmic, counts }, format, title, noun) {
  const edge = (index) => (logarithmic ? from * step ** index : from + step * index);
  const middle = (index) =>
    logarithmic ? Math.sqrt(edge(index) * edge(index + 1)) : (edge(index) + edge(index + 1)) / 2;
  const text = axisFormat(format);
  return {
    x: {
      kind: logarithmic ? 'logarithmic' : 'linear',
      title: logarithmic ? `${title} (log scale)` : title,
      format,
      min: edge(0),
      max: edge(counts.length),
    },
    y: { kind: 'linear', title: noun[0].toUpperCase() + noun.slice(1), format: 'count', min: 0 },
    categories: counts.map((_, index) => `${text(edge(index))} – ${text(edge(index + 1))}`),
    series: [
      {
        label: noun,
        kind: 'bar',
        colour: 'blue',
        points: counts.map((count, index) => [middle(index), count]),
      },
    ],
  };
}
