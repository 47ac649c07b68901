import type { Figure, RunResult } from '../../result/result.ts';
import { formatValue } from '../charts/format.js';
import { type Markup, html } from './markup.ts';
import { type Cell, type Column, section, table } from './parts.ts';

const columns: Column[] = [{ title: 'Figure' }, { title: 'Value', numeric: true }];

/** From so many on there is something to search in. */
const searchRows = 10;

/** What is one number and not a distribution, with what it means and where it comes from. */
export function figures(result: RunResult): Markup {
  if (result.figures.length === 0) return html``;
  const rows = result.figures.map((figure): Cell[] => [
    {
      content: html`<span class="name"><strong>${figure.id}</strong> ${labelsOf(figure)}</span><span class="definition">${figure.definition} Source: ${figure.source}${figure.resolution === '' ? '' : `; resolution: ${figure.resolution}`}.</span>`,
    },
    { content: formatValue(figure.value, figure.unit), sort: figure.value },
  ]);
  return section('figures', 'Figures', [
    table('Figures', columns, rows, {
      id: 'figures-table',
      ...(rows.length > searchRows ? { searchLabel: 'Filter figures' } : {}),
    }),
  ]);
}

function labelsOf({ labels }: Figure): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}
