// Makes a Chart.js configuration of a ChartSpec (plain data, see chart-spec.ts) and a theme. Plain JavaScript,
// because the page inlines this text after format.js and Node imports it for the PNGs.
import { axisFormat } from './format.js';

/** Wong's colour-blind-safe palette, darkened for white paper and lightened for a dark screen. */
export const themes = {
  light: {
    background: '#ffffff',
    text: '#1c2430',
    muted: '#5b6675',
    grid: '#e4e8ee',
    band: 'rgba(28, 36, 48, 0.035)',
    colours: {
      blue: '#0067a8',
      orange: '#cf5600',
      green: '#008a65',
      pink: '#b8578f',
      amber: '#c98a00',
      sky: '#3d9fd6',
      violet: '#6a55a8',
      grey: '#7d8795',
      threshold: '#b3261e',
      muted: '#8a94a2',
    },
  },
  dark: {
    background: '#161b22',
    text: '#e6eaf0',
    muted: '#9aa5b4',
    grid: '#2a323d',
    band: 'rgba(230, 234, 240, 0.04)',
    colours: {
      blue: '#4ba3e3',
      orange: '#ff8b45',
      green: '#2fc495',
      pink: '#e58fc0',
      amber: '#f0b73c',
      sky: '#93d3fa',
      violet: '#b09ce8',
      grey: '#a3adba',
      threshold: '#ff7b72',
      muted: '#7f8a99',
    },
  },
};

/** Shades the phases of a run behind the chart and names those that are wide enough for their name. */
const bandsPlugin = {
  id: 'bands',
  beforeDatasetsDraw(chart, _args, options) {
    const { ctx, chartArea, scales } = chart;
    if (!scales.x || !options.bands) return;
    ctx.save();
    ctx.font = `${options.size}px ${options.family}`;
    ctx.textBaseline = 'top';
    options.bands.forEach((band, index) => {
      const left = Math.max(chartArea.left, scales.x.getPixelForValue(band.from));
      const right = Math.min(chartArea.right, scales.x.getPixelForValue(band.to));
      if (right <= left) return;
      if (index % 2 === 1) {
        ctx.fillStyle = options.fill;
        ctx.fillRect(left, chartArea.top, right - left, chartArea.bottom - chartArea.top);
      }
      ctx.fillStyle = options.text;
      if (ctx.measureText(band.label).width < right - left - 8) {
        ctx.fillText(band.label, left + 4, chartArea.top + 3);
      }
    });
    ctx.restore();
  },
};

/** Draws thresholds and percentiles as dashed lines with a label. */
const markersPlugin = {
  id: 'markers',
  afterDatasetsDraw(chart, _args, options) {
    const { ctx, chartArea: area, scales } = chart;
    if (!options.markers) return;
    ctx.save();
    ctx.font = `600 ${options.size}px ${options.family}`;
    ctx.setLineDash([5, 4]);
    ctx.lineWidth = 1.25;
    for (const marker of options.markers) {
      const at = scales[marker.axis].getPixelForValue(marker.value);
      const vertical = marker.axis === 'x';
      if (vertical ? at < area.left || at > area.right : at < area.top || at > area.bottom) continue;
      ctx.strokeStyle = options.colours[marker.role];
      ctx.beginPath();
      ctx.moveTo(vertical ? at : area.left, vertical ? area.top : at);
      ctx.lineTo(vertical ? at : area.right, vertical ? area.bottom : at);
      ctx.stroke();
      const width = ctx.measureText(marker.label).width;
      const besideRight = vertical && at + width + 6 > area.right;
      const left = vertical ? (besideRight ? at - width - 6 : at + 6) : area.left + 6;
      const top = vertical ? area.top + 4 : at + (at - area.top < 18 ? 4 : -options.size - 5);
      // A plate under the text, or it cannot be read where it crosses a bar or a curve.
      ctx.fillStyle = options.plate;
      ctx.fillRect(left - 3, top - 2, width + 6, options.size + 5);
      ctx.fillStyle = options.colours[marker.role];
      ctx.textBaseline = 'top';
      ctx.fillText(marker.label, left, top);
    }
    ctx.restore();
  },
};

/** A hair line at the point that the reader is looking at. */
const crosshairPlugin = {
  id: 'crosshair',
  afterDatasetsDraw(chart, _args, options) {
    const active = chart.tooltip && chart.tooltip.getActiveElements()[0];
    if (!active || options.off) return;
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.strokeStyle = options.colour;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(active.element.x, chartArea.top);
    ctx.lineTo(active.element.x, chartArea.bottom);
    ctx.stroke();
    ctx.restore();
  },
};

function withAlpha(hex, alpha) {
  const part = (at) => Number.parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${part(1)}, ${part(3)}, ${part(5)}, ${alpha})`;
}

function dataset(series, spec, theme, index) {
  const colour = theme.colours[series.colour];
  const bar = series.kind === 'bar';
  const dots = series.kind === 'dots';
  const area = series.kind === 'area';
  const data = series.points.map(([x, y]) => (spec.horizontal ? { x: y, y: x } : { x, y }));
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
    pointRadius: dots ? 5 : loneRadii(series.points),
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

/** A point between two gaps has no line to be seen by: it is drawn as a dot. */
function loneRadii(points) {
  const empty = (point) => point === undefined || point[1] === null;
  return points.map((_, index) => (empty(points[index - 1]) && empty(points[index + 1]) ? 2.5 : 0));
}

function shorten(text, length) {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
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
        if (logarithmic && axis.format === 'tailOdds') return isPowerOfTen(value) ? format(value) : null;
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
  // Room above the data for the names of the bands.
  if (spec.bands && axis.kind === 'linear' && place !== 'x') options.grace = '12%';
  if (axis.min !== undefined) options.min = axis.min;
  if (axis.max !== undefined) options.max = axis.max;
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
        return ` ${series.label}: ${axisFormat(axis.format)(spec.horizontal ? item.parsed.x : item.parsed.y)}`;
      },
    },
  };
}

/**
 * A Chart.js configuration.
 *
 * @param spec a ChartSpec
 * @param theme `themes.light` or `themes.dark`
 * @param sizes `family` of the font, `tick` and `title` in pixels, `heading`: whether the title is drawn (PNG)
 */
export function hydrate(spec, theme, sizes) {
  const scales = { x: scale(spec.x, spec, theme, sizes, 'x'), y: scale(spec.y, spec, theme, sizes, 'y') };
  if (spec.right) scales.right = scale(spec.right, spec, theme, sizes, 'right');
  return {
    type: spec.series[0]?.kind === 'bar' ? 'bar' : 'line',
    data: { datasets: spec.series.map((series, index) => dataset(series, spec, theme, index)) },
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      indexAxis: spec.horizontal ? 'y' : 'x',
      interaction: { mode: 'index', axis: spec.horizontal ? 'y' : 'x', intersect: false },
      layout: { padding: sizes.heading ? { top: 20, bottom: 16, left: 20, right: 36 } : { right: 14 } },
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
          padding: { bottom: 10 },
        },
        legend: {
          display: spec.series.length > 1,
          align: 'start',
          labels: {
            color: theme.text,
            usePointStyle: spec.series.some((series) => series.kind === 'dots'),
            boxWidth: 14,
            padding: 14,
            boxHeight: spec.series.every((series) => series.kind === 'line' || series.kind === 'steps')
              ? 0
              : 10,
            font: { family: sizes.family, size: sizes.tick + 1 },
            generateLabels: (chart) => legendLabels(chart, spec, theme),
          },
        },
        tooltip: tooltip(spec, theme, sizes),
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
        crosshair: { colour: theme.muted, off: Boolean(spec.categories) },
      },
    },
    plugins: [bandsPlugin, markersPlugin, crosshairPlugin],
  };
}

/** Keys in the colour of the series itself: Chart.js would take the fill, which lines do not have. */
function legendLabels(chart, spec, theme) {
  return chart.data.datasets.map((each, index) => ({
    text: each.label,
    fontColor: theme.text,
    fillStyle: theme.colours[spec.series[index].colour],
    strokeStyle: theme.colours[spec.series[index].colour],
    lineDash: each.borderDash,
    lineWidth: spec.series[index].kind === 'bar' ? 0 : 2,
    pointStyle: each.pointStyle,
    hidden: !chart.isDatasetVisible(index),
    datasetIndex: index,
  }));
}
