// Draws the cells of a ChartSpec: heat maps and maps of nodes. Plain JavaScript, because the page inlines this text
// and Node imports it for the PNGs.
import { axisFormat, formatCount } from './format.js';
import { rampColour, withAlpha } from './themes.js';

/**
 * A Chart.js plugin for one chart. The chart gets `cells`: `{ active, set(cell), at(x, y) }`, cells being
 * `{ column, row }`. Nothing is made for each cell: a hundred thousand cost a few milliseconds when they are drawn.
 */
export function cellsPlugin(spec, theme, sizes) {
  const { cells } = spec;
  const colourOf = colours(cells, theme);
  const describe = sizes.describeCell ?? ((column, row) => describeCell(spec, column, row));
  return {
    id: 'cells',
    beforeInit(chart) {
      chart.cells = {
        active: null,
        set(cell) {
          this.active = cell;
          chart.draw();
        },
        at: (x, y) => cellAt(chart, cells, x, y),
        describe,
      };
    },
    beforeDatasetsDraw(chart) {
      const { ctx, chartArea: area } = chart;
      ctx.save();
      ctx.beginPath();
      ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
      ctx.clip();
      drawCells(chart, cells, colourOf);
      ctx.restore();
    },
    afterDraw(chart) {
      drawLegend(chart, cells, theme, sizes);
      const { active } = chart.cells;
      if (active) drawActive(chart, cells, active, describe(active.column, active.row), theme, sizes);
    },
    afterEvent(chart, args) {
      const { type, x, y } = args.event;
      if (type !== 'mousemove' && type !== 'mouseout') return;
      const cell = type === 'mousemove' && args.inChartArea ? cellAt(chart, cells, x, y) : null;
      const { active } = chart.cells;
      if (cell?.column === active?.column && cell?.row === active?.row) return;
      chart.cells.active = cell;
      args.changed = true;
    },
  };
}

/** The smallest and the largest value that is drawn. */
function bounds(cells) {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const column of cells.values) {
    for (const value of column) {
      if (isEmpty(cells, value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? { low: 0, high: 0 } : { low, high };
}

function isEmpty(cells, value) {
  return value === null || value === undefined || (value === 0 && cells.scale === 'logarithmic');
}

/** The colour of a value; null where there is nothing to draw. */
function colours(cells, theme) {
  if (cells.scale === 'classes') {
    return (value) => (isEmpty(cells, value) ? null : theme.colours[cells.classes[value].colour]);
  }
  const { low, high } = bounds(cells);
  const place = cells.scale === 'logarithmic' ? (value) => Math.log1p(value) : (value) => value;
  const [from, span] = [place(low), place(high) - place(low)];
  return (value) => {
    if (isEmpty(cells, value)) return null;
    return rampColour(theme, span === 0 ? 0.5 : (place(value) - from) / span);
  };
}

function drawCells(chart, cells, colourOf) {
  const { ctx, scales } = chart;
  const xs = cells.xs.map((x) => scales.x.getPixelForValue(x));
  const ys = cells.ys.map((y) => scales.y.getPixelForValue(y));
  cells.values.forEach((column, at) => {
    const [left, right] = [xs[at], xs[at + 1]];
    if (right < chart.chartArea.left || left > chart.chartArea.right) return;
    column.forEach((value, row) => {
      const colour = colourOf(value);
      if (colour === null) return;
      const [a, b] = [ys[row], ys[row + 1]];
      ctx.fillStyle = colour;
      fillCell(ctx, left, Math.min(a, b), right - left, Math.abs(a - b), cells.of !== undefined);
    });
  });
}

/** Heat maps have no seams; things that are counted one by one have gaps where there is room for them. */
function fillCell(ctx, left, top, width, height, apart) {
  if (apart && width > 4 && height > 4) {
    ctx.fillRect(left + 0.75, top + 0.75, width - 1.5, height - 1.5);
    return;
  }
  const [x, y] = [Math.floor(left), Math.floor(top)];
  ctx.fillRect(x, y, Math.ceil(left + width) - x, Math.ceil(top + height) - y);
}

function cellAt(chart, cells, x, y) {
  const find = (edges, value) => {
    for (let at = 0; at + 1 < edges.length; at++) if (value >= edges[at] && value < edges[at + 1]) return at;
    return -1;
  };
  const column = find(cells.xs, chart.scales.x.getValueForPixel(x));
  const row = find(cells.ys, chart.scales.y.getValueForPixel(y));
  const value = cells.values[column]?.[row];
  return isEmpty(cells, value) ? null : { column, row };
}

/** What a cell of a heat map says: when, how much, how many. */
function describeCell(spec, column, row) {
  const { xs, ys, values, noun } = spec.cells;
  const [x, y] = [axisFormat(spec.x.format), axisFormat(spec.y.format)];
  const counts = values[column];
  const all = counts.reduce((sum, count) => sum + (count ?? 0), 0);
  return [
    `${x(xs[column])} – ${x(xs[column + 1])}`,
    `${y(ys[row])} – ${y(ys[row + 1])}: ${formatCount(counts[row])} of ${formatCount(all)} ${noun}`,
  ];
}

/** From little to much, or the classes by name, at the right above the chart. */
function drawLegend(chart, cells, theme, sizes) {
  const { ctx, chartArea: area } = chart;
  const middle = area.top - sizes.tick * 1.1;
  ctx.save();
  ctx.font = `${sizes.tick}px ${sizes.family}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'right';
  const side = sizes.tick * 0.85;
  let right = area.right;
  if (cells.scale === 'classes') {
    for (const { label, colour } of cells.classes.toReversed()) {
      ctx.fillStyle = theme.muted;
      ctx.fillText(label, right, middle);
      right -= ctx.measureText(label).width + 6 + side;
      ctx.fillStyle = theme.colours[colour];
      ctx.fillRect(right, middle - side / 2, side, side);
      right -= 14;
    }
  } else {
    const { low, high } = bounds(cells);
    const format = axisFormat(cells.format);
    const width = sizes.tick * 9;
    ctx.fillStyle = theme.muted;
    const most = cells.of === undefined ? `${format(high)} ${cells.noun}` : format(high);
    ctx.fillText(most, right, middle);
    right -= ctx.measureText(most).width + 8;
    for (let at = 0; at < width; at++) {
      ctx.fillStyle = rampColour(theme, at / width);
      ctx.fillRect(right - width + at, middle - side / 2, 1.5, side);
    }
    ctx.fillStyle = theme.muted;
    ctx.fillText(format(low), right - width - 8, middle);
  }
  ctx.restore();
}

/** A frame around the cell, and what it says beside it. */
function drawActive(chart, cells, { column, row }, lines, theme, sizes) {
  const { ctx, scales, chartArea: area } = chart;
  const left = scales.x.getPixelForValue(cells.xs[column]);
  const right = scales.x.getPixelForValue(cells.xs[column + 1]);
  const [a, b] = [scales.y.getPixelForValue(cells.ys[row]), scales.y.getPixelForValue(cells.ys[row + 1])];
  ctx.save();
  ctx.strokeStyle = theme.text;
  ctx.lineWidth = 2;
  ctx.strokeRect(left, Math.min(a, b), Math.max(2, right - left), Math.max(2, Math.abs(a - b)));
  const size = sizes.tick + 1;
  const font = (index) => `${index === 0 ? 600 : 400} ${size}px ${sizes.family}`;
  const widths = lines.map((line, index) => {
    ctx.font = font(index);
    return ctx.measureText(line).width;
  });
  const width = Math.min(Math.max(...widths) + 20, chart.width - 4);
  const height = lines.length * (size + 5) + 13;
  // Beside the cell, on the side where there is more room, and never beyond the chart.
  const beside = right + 10 + width < chart.width ? right + 10 : left - 10 - width;
  const x = Math.max(2, Math.min(chart.width - width - 2, beside));
  const y = Math.max(2, Math.min(area.bottom - height, Math.min(a, b) - height / 2));
  ctx.fillStyle = withAlpha(theme.text, 0.95);
  ctx.beginPath();
  ctx.roundRect(x, y, width, height, 6);
  ctx.fill();
  ctx.fillStyle = theme.background;
  ctx.textBaseline = 'top';
  lines.forEach((line, index) => {
    ctx.font = font(index);
    ctx.fillText(line, x + 10, y + 9 + index * (size + 5), width - 20);
  });
  ctx.restore();
}
