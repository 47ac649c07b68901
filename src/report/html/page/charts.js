// Charts: drawn when they come into view, zoomed by dragging or by keys, read with the arrow keys, and as tables.
// It stands after the files of charts/ in one function, with Chart.js before it.
import { axisFormat } from '../../charts/format.js';
import { hydrate } from '../../charts/hydrate.js';
import { legendGapPx, legendLines, legendText } from '../../charts/legend.js';
import { screenSizes } from '../../charts/screen-sizes.js';
import { themes } from '../../charts/themes.js';
import { unpacked } from '../../charts/unpack.js';
import { addFigures } from './figures.js';
import { describeNode, inventory, openNode } from './inventory.js';
import { make } from './tables.js';

export const specs = JSON.parse(document.getElementById('charts').textContent).map(unpacked);

/** A chart's place in the page: `{ spec, canvas, box, chart, says, reset }`, by id. */
const places = new Map();

/** Parts of x that are shown, by what zooms together; all of x where there is none. */
export const ranges = new Map();

let chartTheme = themes.light;
let pixelRatio;

function zoomKey(spec) {
  return spec.zoom === 'time' ? 'time' : spec.id;
}

/** As high as the page says, and a line more for each that the names of the series take beyond the first. */
function fitBox({ spec, box, canvas }) {
  const { tick, family } = screenSizes();
  const context = canvas.getContext('2d');
  context.font = `${tick + 1}px ${family}`;
  const widths = spec.series.map(
    ({ label }) => context.measureText(legendText(label, box.clientWidth)).width,
  );
  const lines = spec.series.length > 1 ? legendLines(widths, box.clientWidth, tick + 1) : 1;
  const extraPx = (lines - 1) * (tick + 1 + legendGapPx);
  box.style.height = `calc(${box.dataset.height / 16}rem + ${extraPx}px)`;
}

/** Boxes after a change of the page's width; charts follow theirs. */
export function fitCharts() {
  for (const place of places.values()) fitBox(place);
}

function drawChart(place) {
  const { spec, canvas } = place;
  fitBox(place);
  place.chart?.destroy();
  // Other points may be drawn from now on: those who read by key begin anew.
  place.at = undefined;
  const range = spec.zoom ? ranges.get(zoomKey(spec)) : undefined;
  place.chart = new Chart(
    canvas,
    hydrate(spec, chartTheme, {
      ...screenSizes(),
      ...(pixelRatio ? { pixelRatio } : {}),
      ...(range ? { range } : {}),
      ...(spec.cells?.of === 'nodes'
        ? { describeCell: (column, row) => describeNode(nodeAt(spec, column, row)) }
        : {}),
    }),
  );
}

/** Printers have finer dots than screens. */
const paperPixelRatio = 2;

/** Draws anew what has been drawn; for paper the rest too, and finer. */
export function drawCharts(theme, { onPaper }) {
  chartTheme = theme;
  pixelRatio = onPaper ? paperPixelRatio : undefined;
  for (const place of places.values()) if (onPaper || place.chart) drawChart(place);
}

function nodeAt(spec, column, row) {
  return row * (spec.cells.xs.length - 1) + column;
}

// Zoom. A log axis is zoomed in its logarithm, so that a step is as wide wherever one is.
function scaled(spec, x) {
  return spec.x.kind === 'logarithmic' ? Math.log(x) : x;
}

function unscaled(spec, x) {
  return spec.x.kind === 'logarithmic' ? Math.exp(x) : x;
}

/** Shows a part of x, in scaled units, within what there is; the whole when there is nothing left to see. */
function showRange(spec, from, to) {
  const [least, most] = [scaled(spec, spec.x.min), scaled(spec, spec.x.max)];
  const span = Math.max((most - least) / 500, to - from);
  const start = Math.max(least, Math.min(from, most - span));
  const end = Math.min(most, start + span);
  const key = zoomKey(spec);
  if (end - start >= (most - least) * 0.999) ranges.delete(key);
  else ranges.set(key, { from: unscaled(spec, start), to: unscaled(spec, end) });
  for (const place of places.values()) {
    if (!place.spec.zoom || zoomKey(place.spec) !== key) continue;
    place.reset.disabled = !ranges.has(key);
    if (place.chart) drawChart(place);
  }
}

function shownRange(spec) {
  const range = ranges.get(zoomKey(spec)) ?? { from: spec.x.min, to: spec.x.max };
  return [scaled(spec, range.from), scaled(spec, range.to)];
}

/** Less than 1 shows less; `centre` keeps its place. */
function zoomBy(spec, factor, centre) {
  const [from, to] = shownRange(spec);
  const middle = centre ?? (from + to) / 2;
  showRange(spec, middle - (middle - from) * factor, middle + (to - middle) * factor);
}

function panBy(spec, share) {
  const [from, to] = shownRange(spec);
  const by = (to - from) * share;
  showRange(spec, from + by, to + by);
}

function zoomAll(spec) {
  showRange(spec, scaled(spec, spec.x.min), scaled(spec, spec.x.max));
}

function addTools(place) {
  const { spec, box } = place;
  const button = (sign, label, action) => {
    const one = make('button', { type: 'button', className: 'tool', title: label }, sign);
    one.setAttribute('aria-label', `${label}: ${spec.title}`);
    one.addEventListener('click', action);
    return one;
  };
  place.reset = button('⤢', spec.zoom === 'time' ? 'Show the whole run' : 'Show all', () => zoomAll(spec));
  place.reset.disabled = true;
  const tools = [
    button('+', 'Zoom in', () => zoomBy(spec, 0.5)),
    button('−', 'Zoom out', () => zoomBy(spec, 2)),
    place.reset,
  ];
  box.closest('figure').prepend(make('div', { className: 'tools' }, ...tools));
}

/** Dragging across a chart shows the part that was crossed. Fingers scroll: for them there are the buttons. */
function addBrush({ spec, box, canvas }, chartOf) {
  const brush = make('div', { className: 'brush', hidden: true });
  box.append(brush);
  let startX;
  const clamped = (event) => {
    const { left, right } = chartOf().chartArea;
    return Math.max(left, Math.min(right, event.clientX - canvas.getBoundingClientRect().left));
  };
  box.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || event.pointerType === 'touch' || !chartOf()) return;
    startX = clamped(event);
  });
  box.addEventListener('pointermove', (event) => {
    if (startX === undefined) return;
    // Let go outside of the window.
    if ((event.buttons & 1) === 0) {
      startX = undefined;
      brush.hidden = true;
      return;
    }
    const x = clamped(event);
    const { top, bottom } = chartOf().chartArea;
    brush.hidden = Math.abs(x - startX) < 6;
    if (!brush.hidden && !box.hasPointerCapture(event.pointerId)) box.setPointerCapture(event.pointerId);
    Object.assign(brush.style, {
      left: `${Math.min(x, startX)}px`,
      width: `${Math.abs(x - startX)}px`,
      top: `${top}px`,
      height: `${bottom - top}px`,
    });
  });
  box.addEventListener('pointerup', (event) => {
    if (startX === undefined) return;
    const x = clamped(event);
    const dragged = !brush.hidden;
    const scale = chartOf().scales.x;
    const [from, to] = [Math.min(x, startX), Math.max(x, startX)].map((at) => scale.getValueForPixel(at));
    startX = undefined;
    brush.hidden = true;
    if (dragged) showRange(spec, scaled(spec, from), scaled(spec, to));
  });
  box.addEventListener('pointercancel', () => {
    startX = undefined;
    brush.hidden = true;
  });
  box.addEventListener('dblclick', () => zoomAll(spec));
}

// Keys.
/** Moves along the points of a chart, and says what is there. */
function readPoint(place, step) {
  const { chart } = place;
  const count = Math.max(0, ...chart.data.datasets.map((each) => each.data.length));
  if (count === 0) return;
  const valueAt = (set, index) => {
    const point = chart.data.datasets[set].data[index];
    return place.spec.horizontal ? point?.x : point?.y;
  };
  const range = place.spec.zoom ? ranges.get(zoomKey(place.spec)) : undefined;
  const inView = (index) => {
    const x = chart.data.datasets.map((each) => each.data[index]?.x).find((each) => each !== undefined);
    return !range || (x >= range.from && x <= range.to);
  };
  const elementsAt = (index) =>
    chart.data.datasets
      .map((_, datasetIndex) => ({ datasetIndex, index }))
      .filter((each) => chart.isDatasetVisible(each.datasetIndex))
      .filter((each) => (valueAt(each.datasetIndex, index) ?? null) !== null);
  let at = place.at ?? (step > 0 ? -1 : count);
  do at += step;
  while (at >= 0 && at < count && (elementsAt(at).length === 0 || !inView(at)));
  if (at < 0 || at >= count) return;
  place.at = at;
  const elements = elementsAt(at);
  chart.setActiveElements(elements);
  chart.tooltip.setActiveElements(elements, { x: 0, y: 0 });
  chart.draw();
  const { title, body } = chart.tooltip;
  const lines = [...title, ...body.flatMap((each) => each.lines)];
  place.says.textContent = lines.map((line) => line.trim()).join('; ');
}

/** Moves from cell to cell, over those without anything in a map of nodes, and says what is there. */
function readCell(place, right, up) {
  const { chart, spec } = place;
  const { values, of } = spec.cells;
  const rows = values[0].length;
  const down = spec.y.reversed ? -up : up;
  let { column, row } = chart.cells.active ?? { column: right < 0 ? values.length : -1, row: 0 };
  if (!chart.cells.active && right === 0) column = 0;
  else [column, row] = [column + right, row + down];
  if (column < 0 || column >= values.length || row < 0 || row >= rows) return;
  if (
    of === 'nodes' &&
    (values[column][row] ?? null) === null &&
    !inventory.nodes.name[nodeAt(spec, column, row)]
  )
    return;
  chart.cells.set({ column, row });
  place.says.textContent = chart.cells.describe(column, row).join('; ');
}

/** After a change by key: which part is shown. */
function sayRange(place) {
  const { spec, says } = place;
  const format = axisFormat(spec.x.format);
  const range = ranges.get(zoomKey(spec));
  says.textContent = range ? `${format(range.from)} to ${format(range.to)}` : 'All is shown';
}

function leaveChart(place) {
  place.at = undefined;
  place.says.textContent = '';
  if (!place.chart) return;
  if (place.chart.cells) place.chart.cells.set(null);
  place.chart.setActiveElements([]);
  place.chart.tooltip.setActiveElements([], { x: 0, y: 0 });
  place.chart.draw();
}

const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function onChartKey(place, event) {
  const { spec, chart } = place;
  if (!chart || event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = arrows[event.key];
  const rangeBefore = ranges.get(zoomKey(spec));
  if (arrow && event.shiftKey && spec.zoom) panBy(spec, arrow[0] * 0.25);
  else if (arrow && spec.cells) readCell(place, ...arrow);
  else if (arrow && arrow[spec.horizontal ? 1 : 0] !== 0)
    readPoint(place, spec.horizontal ? -arrow[1] : arrow[0]);
  else if (spec.zoom && (event.key === '+' || event.key === '=')) zoomBy(spec, 0.5);
  else if (spec.zoom && event.key === '-') zoomBy(spec, 2);
  else if (spec.zoom && event.key === '0') zoomAll(spec);
  else if (event.key === 'Escape') leaveChart(place);
  else if (event.key === 'Enter' && spec.cells?.of === 'nodes' && chart.cells.active)
    openNode(nodeAt(spec, chart.cells.active.column, chart.cells.active.row));
  else return;
  event.preventDefault();
  if (ranges.get(zoomKey(spec)) !== rangeBefore) sayRange(place);
}

function keysHelp(spec) {
  const enter = spec.cells?.of === 'nodes' ? ', Enter opens the node' : '';
  const zoom = spec.zoom ? ', plus and minus zoom, 0 shows all' : '';
  return `${spec.title}. Arrow keys read the values${enter}${zoom}.`;
}

/** The same for those who see the focus. */
function keysHint(spec) {
  const enter = spec.cells?.of === 'nodes' ? ' · Enter opens' : '';
  const zoom = spec.zoom ? ' · + − zoom · 0 all' : '';
  return `${spec.horizontal ? '↑ ↓' : spec.cells ? '← ↑ ↓ →' : '← →'} read${enter}${zoom}`;
}

const chartWatcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const place = places.get(entry.target.dataset.chart);
      if (entry.isIntersecting && place && !place.chart) drawChart(place);
    }
  },
  { rootMargin: '400px 0px' },
);

/** Finds a chart's place, and has it drawn when it is about to be seen. */
export function setUpChart(spec) {
  const canvas = document.querySelector(`canvas[data-chart="${spec.id}"]`);
  if (!canvas) return;
  const box = canvas.parentElement;
  const says = make('output', { className: 'hidden' });
  const place = { spec, canvas, box, says, chart: undefined };
  places.set(spec.id, place);
  fitBox(place);
  box.after(says);
  box.tabIndex = 0;
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', keysHelp(spec));
  box.dataset.keys = keysHint(spec);
  box.addEventListener('keydown', (event) => onChartKey(place, event));
  box.addEventListener('blur', () => leaveChart(place));
  if (spec.zoom) {
    addTools(place);
    addBrush(place, () => place.chart);
  }
  if (spec.cells?.of === 'nodes') {
    box.classList.add('map');
    canvas.addEventListener('click', (event) => {
      const cell = place.chart?.cells.at(event.offsetX, event.offsetY);
      if (cell) openNode(nodeAt(spec, cell.column, cell.row));
    });
  }
  addFigures(place);
  chartWatcher.observe(canvas);
}

/** The chart of this id is about to be taken away. */
export function forgetChart(id) {
  const place = places.get(id);
  if (!place) return;
  chartWatcher.unobserve(place.canvas);
  place.chart?.destroy();
  places.delete(id);
}
