import type { ChartSpec } from '../charts/chart-spec.ts';
import { type Markup, html } from './markup.ts';

/** Small pieces that several sections of the page are made of. */

/** A section with a heading that the contents bar links to; nothing at all when it has no content. */
export function section(id: string, title: string, content: readonly Markup[]): Markup {
  if (content.length === 0) return html``;
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;
}

const icons: Record<string, string> = {
  pass: '✓',
  valid: '✓',
  completed: '✓',
  fail: '✕',
  failed: '✕',
  invalid: '!',
  inconclusive: '?',
  interrupted: '■',
  'timed-out': '✕',
  ready: '✓',
  'not-ready': '✕',
  gone: '■',
  skipped: '–',
  better: '✓',
  same: '✓',
  worse: '✕',
};

/** A verdict as a coloured word with a sign, so that it does not hang on the colour. */
export function badge(verdict: string, text: string = verdict): Markup {
  return html`<span class="badge ${verdict}"><span aria-hidden="true">${icons[verdict] ?? '•'}</span> ${text}</span>`;
}

/** The sign of a verdict alone, for the banner. */
export function icon(verdict: string): string {
  return icons[verdict] ?? '•';
}

/** A chart's place; the script of the page draws it. `wide` takes the whole row. */
export function chart(spec: ChartSpec | undefined, wide = false): Markup {
  if (spec === undefined) return html``;
  return html`<figure class="card chart${wide ? ' wide' : ''}"><figcaption><h3>${spec.title}</h3><p>${spec.subtitle}</p></figcaption><div class="canvas" data-height="${heightPx(spec)}"><canvas data-chart="${spec.id}" role="img" aria-label="${spec.title}. ${spec.description}"></canvas></div></figure>`;
}

/** The heat maps of one part of the report. */
export function heatMaps(
  charts: ReadonlyMap<string, ChartSpec>,
  part: 'startup' | 'api' | 'other',
): Markup[] {
  return [...charts.values()]
    .filter((spec) => spec.id.startsWith(`heat-map-${part}-`))
    .map((spec) => chart(spec, true));
}

/** A map's cells are about square on a wide screen, and never too small to point at. */
const mapWidthPx = 1200;
const mapCellPx = { min: 8, max: 28 };

function heightPx(spec: ChartSpec): number {
  if (spec.horizontal === true) {
    return 120 + (spec.categories?.length ?? 0) * (spec.series[0]?.kind === 'dots' ? 26 : 62);
  }
  if (spec.cells?.of !== 'nodes') return 300;
  const [columns, rows] = [spec.cells.xs.length - 1, spec.cells.ys.length - 1];
  const cellPx = Math.max(mapCellPx.min, Math.min(mapCellPx.max, mapWidthPx / columns));
  return Math.round(40 + rows * cellPx);
}

export type Column = {
  title: string;
  /** Figures are set to the right, in digits of one width. */
  numeric?: boolean;
  /** What the column means, where its title does not say. */
  explanation?: string;
};

export type Cell = {
  content: Markup | string;
  /** What the column sorts by, when it is not the text that is shown. */
  sort?: number;
};

/** Tables with more columns have them closer together, to fit a screen. */
const denseColumns = 8;

/** Longer tables scroll in a box of their own, so that the sections after them stay within reach. */
const tallRows = 30;

/**
 * A table whose columns sort by click or key; in a box that scrolls sideways on narrow screens. With `rows` the rows
 * given are the first ones, and the page's script makes all of them from the inventory.
 */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: { id?: string; searchLabel?: string; sortable?: boolean; rows?: 'nodes' | 'workloads' } = {},
): Markup {
  const head = columns.map(
    (column) =>
      html`<th scope="col"${column.numeric === true && html` class="number"`}${column.explanation !== undefined && html` title="${column.explanation}"`}>${column.title}</th>`,
  );
  const body = rows.map(
    (row) => html`<tr>${row.map((cell, index) => tableCell(cell, columns[index], index === 0))}</tr>`,
  );
  const search =
    options.searchLabel !== undefined &&
    html`<div class="search"><input type="search" data-search="${options.id ?? ''}" aria-label="${options.searchLabel}" placeholder="${options.searchLabel}"><output class="muted"></output></div>`;
  return html`${search}<div class="scroll${rows.length > tallRows && ' tall'}" tabindex="0" role="group" aria-label="${caption}"><table${columns.length > denseColumns && html` class="dense"`}${options.id !== undefined && html` id="${options.id}"`}${options.sortable !== false && html` data-sortable`}${options.rows !== undefined && html` data-rows="${options.rows}"`}><caption class="hidden">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function tableCell(cell: Cell, column: Column | undefined, first: boolean): Markup {
  const attributes = html`${column?.numeric === true && html` class="number"`}${cell.sort !== undefined && html` data-sort="${cell.sort}"`}`;
  const content = typeof cell.content === 'string' ? html`${cell.content}` : cell.content;
  return first ? html`<th scope="row"${attributes}>${content}</th>` : html`<td${attributes}>${content}</td>`;
}

/** A list of names and values. */
export function facts(rows: readonly (readonly [string, Markup | string])[]): Markup {
  return html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${typeof value === 'string' ? html`${value}` : value}</dd></div>`)}</dl>`;
}

/** A point in time, which the script of the page shows in the reader's own zone. */
export function time(rfc3339: string): Markup {
  return html`<time datetime="${rfc3339}" title="${rfc3339}">${rfc3339.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}</time>`;
}

/** A share of a whole as a bar, 0..1; beyond that it is full and marked. */
export function shareBar(share: number, colour: 'fail' | 'neutral'): Markup {
  const percent = Math.max(0, Math.min(100, share * 100));
  return html`<span class="share ${colour}" aria-hidden="true"><span style="width:${percent.toFixed(1)}%"></span></span>`;
}
