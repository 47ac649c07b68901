import { nearest } from '../base/nearest.ts';
import type { GateRun, GateSli } from './gate-run.ts';
import { type Rule, fits } from './rules.ts';

/** Of each rule of a file that no run has anything for: what is missing, and what was meant perhaps. Pure. */
export function unknownSlis(rules: readonly Rule[], runs: readonly Pick<GateRun, 'slis'>[]): string[] {
  const slis = runs.flatMap((run) => run.slis);
  return rules.flatMap((rule, index) => {
    if (rule.optional === true || slis.some((sli) => fits(rule, sli))) return [];
    return [`rule ${index + 1}: no run has such an SLI: ${missingText(rule, slis)}`];
  });
}

function missingText({ sli, labels }: Rule, slis: readonly GateSli[]): string {
  const named = slis.filter(({ id }) => id === sli);
  if (named.length === 0) return `${sli}${meant(sli, new Set(slis.map(({ id }) => id)))}`;
  for (const [label, value] of Object.entries(labels)) {
    const values = new Set(named.flatMap((one) => one.labels[label] ?? []));
    if (values.size === 0) {
      return `${sli} has no label ${label}${meant(label, new Set(named.flatMap((one) => Object.keys(one.labels))))}`;
    }
    if (!values.has(value)) return `${sli} with ${label}: ${value}${meant(value, values)}`;
  }
  return `${sli} with all of ${Object.entries(labels)
    .map((pair) => pair.join(': '))
    .join(', ')}`;
}

function meant(word: string, known: ReadonlySet<string>): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}
