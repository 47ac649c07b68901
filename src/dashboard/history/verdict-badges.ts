import { type Markup, html } from '../../report/html/markup.ts';
import { badge } from '../../report/html/parts.ts';
import type { RunEntry } from './run-entry.ts';

/** A run's own verdict, and a gate's where one has judged it: a run may pass and be worse than the baseline. */
export function verdictBadges({ verdict, gate }: Pick<RunEntry, 'verdict' | 'gate'>): Markup {
  return html`${badge(verdict)}${gate !== undefined && html` ${badge(gate, `gate: ${gate}`)}`}`;
}
