// Any SLI as a curve and as a histogram, alone or beside another one. Its charts are made like the others.
import { barsOf } from '../../charts/bars.js';
import { axisFormat, formatCount } from '../../charts/format.js';
import { forgetChart, ranges, setUpChart } from './charts.js';
import { make } from './tables.js';

const distributions = JSON.parse(document.getElementById('distributions-data').textContent);

/** The points of a curve: x is 1 / (1 - quantile). */
function curveOf({ values, count }) {
  return values.map((value, index) => {
    const last = index === values.length - 1;
    return [last ? Math.max(1, count) : 10 ** (index / distributions.perDecade), value];
  });
}

function curvesSpec(chosen) {
  const [{ format }] = chosen;
  const least = Math.max(1, Math.min(...chosen.map((each) => each.p50)));
  const logarithmic = Math.max(...chosen.map((each) => each.p50)) / least > 20;
  const most = Math.max(...chosen.map((each) => each.values.at(-1)));
  const thresholds = new Set(chosen.map((each) => each.threshold));
  const [threshold] = thresholds;
  const shown = thresholds.size === 1 && threshold !== null && threshold <= most * 3;
  return {
    id: 'explorer-percentiles',
    title: 'By percentile',
    subtitle: chosen.map((each) => `${each.name}: ${formatCount(each.count)} samples`).join('; '),
    x: {
      kind: 'logarithmic',
      title: 'Percentile',
      format: 'tailOdds',
      min: 1,
      max: Math.max(10, ...chosen.map((each) => each.count)),
    },
    y: {
      kind: logarithmic ? 'logarithmic' : 'linear',
      title: logarithmic ? 'Value (log scale)' : 'Value',
      format,
      ...(logarithmic ? {} : { min: 0 }),
    },
    zoom: 'own',
    series: chosen.map((each, index) => ({
      label: each.name,
      kind: 'line',
      colour: index === 0 ? 'blue' : 'orange',
      points: curveOf(each),
    })),
    markers: shown
      ? [{ axis: 'y', value: threshold, label: `SLO ${axisFormat(format)(threshold)}`, role: 'threshold' }]
      : [],
  };
}

function barsSpec(one) {
  const text = axisFormat(one.format);
  return {
    ...barsOf(one.bins, one.format, 'Value', 'samples'),
    id: 'explorer-histogram',
    title: 'Distribution',
    subtitle: `${one.name}: how many samples lay where.`,
    markers: [
      { axis: 'x', value: one.p50, label: `p50 ${text(one.p50)}`, role: 'muted' },
      { axis: 'x', value: one.p99, label: `p99 ${text(one.p99)}`, role: 'orange' },
    ],
  };
}

/** A figure as the others have it; see parts.ts. */
function figureOf(spec) {
  const canvas = make('canvas', { role: 'img' });
  canvas.dataset.chart = spec.id;
  canvas.setAttribute('aria-label', `${spec.title}. ${spec.subtitle}`);
  const box = make('div', { className: 'canvas' }, canvas);
  box.dataset.height = '300';
  return make(
    'figure',
    { className: 'card chart' },
    make('figcaption', {}, make('h3', {}, spec.title), make('p', {}, spec.subtitle)),
    box,
  );
}

export function setUpExplorer() {
  const [first, second] = ['first', 'second'].map((id) => document.getElementById(id));
  if (!first) return;
  const { all } = distributions;
  const option = (each, index) => make('option', { value: String(index) }, each.name);
  first.append(...all.map(option));
  const show = () => {
    const main = all[Number(first.value)];
    const other = second.value === '' ? undefined : all[Number(second.value)];
    const specs = [curvesSpec(other ? [main, other] : [main]), barsSpec(main)];
    for (const { id } of specs) {
      forgetChart(id);
      ranges.delete(id);
    }
    document.getElementById('explorer').replaceChildren(...specs.map(figureOf));
    for (const spec of specs) setUpChart(spec);
  };
  // Values of one unit can share an axis.
  const offer = () => {
    const { format } = all[Number(first.value)];
    const others = all.flatMap((each, index) => (each.format === format ? [option(each, index)] : []));
    second.replaceChildren(make('option', { value: '' }, 'none'), ...others);
  };
  first.addEventListener('change', () => {
    offer();
    show();
  });
  second.addEventListener('change', show);
  offer();
  show();
}
