// What a chart shows, as a table: for those who want the figures, and for those who cannot see the drawing.
import { cellRows } from '../../charts/cell-rows.js';
import { axisFormat } from '../../charts/format.js';
import { thinned } from '../../charts/thin.js';
import { make } from './tables.js';

/** All points of a chart as a table, made when it is asked for; of a heat map its cells. Nodes have a table of their own. */
export function addFigures({ spec, box }) {
  const isHeatMap = spec.cells && spec.cells.of === undefined;
  if (spec.series.length === 0 && !isHeatMap) return;
  const details = make('details', { className: 'data' }, make('summary', {}, 'These figures as a table'));
  details.addEventListener('toggle', () => {
    if (!details.open || details.children.length > 1) return;
    if (isHeatMap) details.append(cellsTable(spec));
    if (spec.series.length > 0) details.append(figuresTable(spec));
  });
  box.after(details);
}

/** More rows than anybody reads are thinned, as the drawing is; cells are joined. */
const figureBucketsMax = 250;
const cellRowsMax = 1000;

function cellsTable(spec) {
  const { noun } = spec.cells;
  const head = [spec.x.title, 'Latency', `${noun[0].toUpperCase()}${noun.slice(1)}`];
  return tableOf(spec.title, head, cellRows(spec, cellRowsMax));
}

function figuresTable(spec) {
  const [along, across] = spec.horizontal ? [spec.y, spec.x] : [spec.x, spec.y];
  const name = axisFormat(along.format);
  const lists = thinned(
    spec.series.map((series) => series.points),
    undefined,
    figureBucketsMax,
  );
  const rows = new Map();
  spec.series.forEach((series, at) => {
    const format = axisFormat(series.axis === 'right' ? spec.right.format : across.format);
    lists[at].forEach(([x, y], index) => {
      const title = spec.categories ? spec.categories[index] : name(x);
      const row = rows.get(x) ?? { title, values: spec.series.map(() => '–') };
      row.values[at] = y === null ? '–' : format(y);
      rows.set(x, row);
    });
  });
  const head = [along.title === '' ? 'Kind' : along.title, ...spec.series.map((series) => series.label)];
  const body = [...rows].sort(([a], [b]) => a - b).map(([, { title, values }]) => [title, ...values]);
  const lines = spec.cells ? `: ${spec.series.map(({ label }) => label).join(', ')}` : '';
  return tableOf(`${spec.title}${lines}`, head, body);
}

/** The first text of a row is its name. */
function tableOf(caption, head, rows) {
  const body = rows.map(([name, ...values]) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, name),
      ...values.map((text) => make('td', { className: 'number' }, text)),
    ),
  );
  const table = make(
    'table',
    {},
    make('caption', { className: 'hidden' }, caption),
    make(
      'thead',
      {},
      make(
        'tr',
        {},
        ...head.map((text, at) => make('th', { scope: 'col', className: at > 0 ? 'number' : '' }, text)),
      ),
    ),
    make('tbody', {}, ...body),
  );
  const region = make('div', { className: 'scroll tall', tabIndex: 0, role: 'group' }, table);
  region.setAttribute('aria-label', caption);
  return region;
}
