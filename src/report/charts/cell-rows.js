// The cells of a heat map as rows of a table. Plain JavaScript, because the page inlines this text and Node imports it.
import { axisFormat, formatCount } from './format.js';

/**
 * A row for each cell that is not empty, column by column: where it lies along x and y, and its count. Where these would be more
 * than `rowsMax`, neighbouring columns are one.
 */
export function cellRows({ x, y, cells }, rowsMax) {
  const { values } = cells;
  let columns = values.map((counts, at) => ({ from: at, to: at + 1, counts }));
  const cellCount = () =>
    columns.reduce((sum, { counts }) => sum + counts.filter((count) => count > 0).length, 0);
  while (columns.length > 1 && cellCount() > rowsMax) columns = joined(columns);
  const span = (axis, from, to) => `${axisFormat(axis.format)(from)} – ${axisFormat(axis.format)(to)}`;
  return columns.flatMap(({ from, to, counts }) =>
    counts.flatMap((count, row) =>
      count > 0
        ? [
            [
              span(x, cells.xs[from], cells.xs[to]),
              span(y, cells.ys[row], cells.ys[row + 1]),
              formatCount(count),
            ],
          ]
        : [],
    ),
  );
}

/** Each two as one. */
function joined(columns) {
  return columns.flatMap((column, at) => {
    if (at % 2 === 1) return [];
    const next = columns[at + 1];
    if (next === undefined) return [column];
    const counts = column.counts.map((count, row) => (count ?? 0) + (next.counts[row] ?? 0));
    return [{ from: column.from, to: next.to, counts }];
  });
}
