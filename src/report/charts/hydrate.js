// Makes a Chart.js configuration of a ChartSpec (plain data, see chart-spec.ts) and a theme. Plain JavaScript,
// because the page inlines this text after the files that it imports, and Node imports it for the PNGs.
import { axisFormat, clockTicks } from './format.js';
import { cellsPlugin } from './cells.js';
import { legendGapPx, legendKeyPx, legendLabels, shorten } from './legend.js';
import { bandsPlugin, crosshairPlugin, markersPlugin } from './plugins.js';
import { withAlpha } from './themes.js';
import { thinned } from './thin.js';

/** A tooltip is a line a series; longer names would go beyond the chart. */
const tipLengthMax = 60;

/** Points of a series that are drawn: two or three for each pixel of a wide screen. */
const bucketsMax = 700;

function dataset(series, points, spec, theme, index) {
  const colour = theme.colours[series.colour];
  const bar = series.kind === 'bar';
  const dots = series.kind === 'dots';
  const area = series.kind === 'area';
  const data = points.map(([x, y]) => (spec.horizontal ? { x: y, y: x } : { x, y }));
  return {
    type: bar ? 'bar' : 'line',
    label: series.label,
    data: spec.horizontal ? data.map((point) => ({ x: point.x, y: String(point.y) })) : data,
    [spec.horizontal ? 'xAxisID' : 'yAxisID']:
      series.axis === 'right' ? 'right' : spec.horizontal ? 'x' : 'y',
    borderColor: colour,
    backgroundColor: bar
      ? withAlpha(colour, 0.88)
      : area
        ? withAlpha(colour, 0.7)
        : dots
          ? colour
          : 'transparent',
    borderWidth: bar ? 0 : area ? 1 : 2,
    borderDash: series.dashed ? [6, 4] : [],
    borderJoinStyle: 'round',
    showLine: !dots,
    stepped: series.kind === 'steps' ? 'before' : false,
    fill: area ? (index === 0 ? 'origin' : '-1') : false,
    pointRadius: dots ? 5 : loneRadii(points),
    // A mark at the end of the axis is not half of one.
    clip: dots ? 10 : undefined,
    pointStyle: dots ? ['circle', 'rectRot', 'triangle', 'rect'][index % 4] : 'circle',
    pointHoverRadius: dots ? 7 : 4,
    pointHoverBackgroundColor: colour,
    pointHitRadius: 8,
    barThickness: bar && !spec.horizontal ? 'flex' : undefined,
    // Chart.js widens bars by a third of a pixel to close gaps, which draws a line where there is nothing.
    inflateAmount: 0,
    barPercentage: 0.92,
    categoryPercentage: 0.96,
    maxBarThickness: spec.horizontal ? 46 : undefined,
    spanGaps: false,
  };
}

/**
 * The points that are drawn of each series: of lines with very many only those that show, within `range`. Bars and
 * charts with categories have few, and their places count.
 */
function drawnPoints(spec, range) {
  const lists = spec.series.map((series) => series.points);
  const few = spec.horizontal || spec.categories || spec.series.some((series) => series.kind === 'bar');
  return few ? lists : thinned(lists, range, bucketsMax);
}

/** A point between two gaps has no line to be seen by: it is drawn as a dot. */
function loneRadii(points) {
  const empty = (point) => point === undefined || point[1] === null;
  return points.map((_, index) => (empty(points[index - 1]) && empty(points[index + 1]) ? 2.5 : 0));
}

function scale(axis, spec, theme, sizes, place) {
  const format = axisFormat(axis.format);
  const category = axis.kind === 'category';
  const logarithmic = axis.kind === 'logarithmic';
  const font = { family: sizes.family, size: sizes.tick };
  const options = {
    type: axis.kind,
    stacked: axis.stacked === true,
    title: { display: axis.title !== '', text: axis.title, color: theme.muted, font },
    // Bars make Chart.js shift grid lines between the ticks; here an axis is a ruler.
    offset: false,
    grid: { color: theme.grid, drawOnChartArea: place !== 'right', offset: false },
    border: { color: theme.grid },
    ticks: {
      color: theme.muted,
      font,
      maxRotation: 0,
      autoSkipPadding: 14,
      includeBounds: axis.format !== 'elapsedMs',
      callback(value) {
        if (category)
          return shorten(String(spec.categories?.[Number(this.getLabelForValue(value))] ?? ''), 48);
        // Each nine, and where the reader has zoomed in what lies between them.
        if (logarithmic && axis.format === 'tailOdds' && !sizes.range)
          return isPowerOfTen(value) ? format(value) : null;
        if (logarithmic) return /^[125]0*$/.test(String(significand(value))) ? format(value) : null;
        return value === 0 ? '0' : format(value);
      },
    },
  };
  // Chart.js finds a category by its name, and two rows may have the same one: the index is the name here.
  if (category)
    Object.assign(options, { labels: spec.categories.map((_, index) => String(index)), offset: true });
  if (category) options.ticks.autoSkip = false;
  if (axis.kind === 'linear' && place !== 'x') options.beginAtZero = true;
  if (axis.format === 'count') options.ticks.precision = 0;
  if (axis.step !== undefined) options.ticks.stepSize = axis.step;
  // Chart.js spreads ticks evenly between the ends, which are no round times.
  if (axis.format === 'elapsedMs') {
    options.afterBuildTicks = (built) => {
      built.ticks = clockTicks(built.min, built.max).map((value) => ({ value }));
    };
  }
  // Room above the data for the names of the bands.
  if (spec.bands && axis.kind === 'linear' && place !== 'x') options.grace = '12%';
  if (axis.min !== undefined) options.min = axis.min;
  if (axis.max !== undefined) options.max = axis.max;
  if (axis.hidden) options.display = false;
  if (axis.reversed) options.reverse = true;
  if (place === 'x' && sizes.range) {
    options.min = sizes.range.from;
    options.max = sizes.range.to;
  }
  if (place === 'right') options.position = 'right';
  return options;
}

function significand(value) {
  return Number((value / 10 ** Math.floor(Math.log10(value) + 1e-9)).toPrecision(6));
}

function isPowerOfTen(value) {
  return Math.abs(Math.log10(value) % 1) < 1e-9;
}

function tooltip(spec, theme, sizes) {
  const positionFormat = axisFormat(spec.horizontal ? spec.y.format : spec.x.format);
  return {
    backgroundColor: theme.text,
    titleColor: theme.background,
    bodyColor: theme.background,
    footerColor: theme.background,
    footerFont: { family: sizes.family, size: sizes.tick + 1, weight: 600 },
    titleFont: { family: sizes.family, size: sizes.tick + 1, weight: 600 },
    bodyFont: { family: sizes.family, size: sizes.tick + 1 },
    padding: 10,
    boxPadding: 4,
    usePointStyle: true,
    // Stacked shares in the order in which they lie: the topmost first.
    itemSort: (a, b) => (spec.y.stacked && !spec.horizontal ? b.datasetIndex - a.datasetIndex : 0),
    callbacks: {
      labelColor(item) {
        const colour = theme.colours[spec.series[item.datasetIndex].colour];
        return { backgroundColor: colour, borderColor: colour };
      },
      footer(items) {
        if (!spec.y.stacked || spec.horizontal || items.length < 2) return '';
        const total = items.reduce((sum, item) => sum + (item.parsed.y ?? 0), 0);
        return `all: ${axisFormat(spec.y.format)(total)}`;
      },
      title(items) {
        const item = items[0];
        if (!item) return '';
        if (spec.categories) return spec.categories[item.dataIndex] ?? '';
        const place = positionFormat(item.parsed.x);
        const band = (spec.bands ?? []).find((each) => item.parsed.x >= each.from && item.parsed.x < each.to);
        return band ? `${place} · ${band.label}` : place;
      },
      label(item) {
        const series = spec.series[item.datasetIndex];
        const axis = spec.horizontal ? spec.x : series.axis === 'right' ? spec.right : spec.y;
        return ` ${shorten(series.label, tipLengthMax)}: ${axisFormat(axis.format)(spec.horizontal ? item.parsed.x : item.parsed.y)}`;
      },
    },
  };
}

/**
 * A Chart.js configuration.
 *
 * @param spec a ChartSpec
 * @param theme `themes.light` or `themes.dark`
 * @param sizes `family` of the font, `tick` and `title` in pixels, `heading`: whether the title is drawn (PNG),
 *   `range`: the part of x that is shown, all unless told otherwise, `describeCell`: what is said of a cell,
 *   `pixelRatio`: dots of a pixel, the screen's unless told otherwise
 */
export function hydrate(spec, theme, sizes) {
  const scales = { x: scale(spec.x, spec, theme, sizes, 'x'), y: scale(spec.y, spec, theme, sizes, 'y') };
  if (spec.right) scales.right = scale(spec.right, spec, theme, sizes, 'right');
  const points = drawnPoints(spec, sizes.range);
  const roomAbove = spec.cells ? sizes.tick * 2 : 0;
  return {
    type: spec.series[0]?.kind === 'bar' ? 'bar' : 'line',
    data: {
      datasets: spec.series.map((series, index) => dataset(series, points[index], spec, theme, index)),
    },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      ...(sizes.pixelRatio ? { devicePixelRatio: sizes.pixelRatio } : {}),
      indexAxis: spec.horizontal ? 'y' : 'x',
      interaction: { mode: 'index', axis: spec.horizontal ? 'y' : 'x', intersect: false },
      layout: {
        padding: sizes.heading
          ? { top: 20, bottom: 16, left: 20, right: 36 }
          : { right: 14, top: spec.cells ? roomAbove : 0 },
      },
      scales,
      plugins: {
        title: {
          display: sizes.heading,
          text: spec.title,
          align: 'start',
          color: theme.text,
          font: { family: sizes.family, size: sizes.title, weight: 600 },
          padding: { bottom: 4 },
        },
        subtitle: {
          display: sizes.heading,
          text: spec.subtitle,
          align: 'start',
          color: theme.muted,
          font: { family: sizes.family, size: sizes.tick },
          padding: { bottom: 10 + roomAbove },
        },
        legend: {
          display: spec.series.length > 1,
          align: 'start',
          labels: {
            color: theme.text,
            usePointStyle: spec.series.some((series) => series.kind === 'dots'),
            boxWidth: legendKeyPx,
            padding: legendGapPx,
            boxHeight: spec.series.every((series) => series.kind === 'line' || series.kind === 'steps')
              ? 0
              : 10,
            font: { family: sizes.family, size: sizes.tick + 1 },
            generateLabels: (chart) => legendLabels(chart, spec, theme),
          },
        },
        tooltip: spec.cells ? { enabled: false } : tooltip(spec, theme, sizes),
        bands: {
          bands: spec.bands,
          fill: theme.band,
          text: theme.muted,
          size: sizes.tick,
          family: sizes.family,
        },
        markers: {
          markers: spec.markers,
          colours: theme.colours,
          plate: withAlpha(theme.background, 0.85),
          size: sizes.tick,
          family: sizes.family,
        },
        crosshair: {
          colour: theme.muted,
          off: Boolean(spec.cells) || spec.horizontal || spec.series.some(({ kind }) => kind === 'bar'),
        },
      },
    },
    plugins: [
      ...(spec.cells ? [cellsPlugin(spec, theme, sizes)] : []),
      bandsPlugin,
      markersPlugin,
      crosshairPlugin,
    ],
  };
}
