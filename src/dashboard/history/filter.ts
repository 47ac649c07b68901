import type { RunEntry } from './run-entry.ts';

/** What the list of runs is narrowed to; an empty text narrows nothing. */
export type RunFilter = { text: string; scenario: string; version: string; verdict: string };

/** Longer searches are cut: nobody types them. */
const textLengthMax = 200;

export function filterOf(query: URLSearchParams): RunFilter {
  const given = (name: string): string => (query.get(name) ?? '').slice(0, textLengthMax);
  return {
    text: given('q'),
    scenario: given('scenario'),
    version: given('version'),
    verdict: given('verdict'),
  };
}

/** The choice of a verdict that is none of the run's own: a gate found it worse than the baseline. */
const worse = 'worse';

/** Runs of which some field has each of the words in it, and that are of the scenario, version and verdict. Pure. */
export function filtered(runs: readonly RunEntry[], filter: RunFilter): RunEntry[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (wanted: string, value: string): boolean => wanted === '' || wanted === value;
  return runs.filter((run) => {
    if (!fits(filter.scenario, run.scenario)) return false;
    if (!fits(filter.version, run.kubernetes)) return false;
    if (!fits(filter.verdict, run.verdict) && !(filter.verdict === worse && run.gate === worse)) return false;
    if (words.length === 0) return true;
    const { folder, id, scenario, kubernetes, tool, summary, flags, profile, machine } = run;
    const all = [folder, id, scenario, kubernetes, tool, summary, flags, profile, machine]
      .join('\n')
      .toLowerCase();
    return words.every((word) => all.includes(word));
  });
}

/** The values that there are, in order, for a choice. */
export function choices(runs: readonly RunEntry[], field: 'scenario' | 'kubernetes' | 'verdict'): string[] {
  return [...new Set(runs.map((run) => run[field]))].toSorted((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
}

/** The runs' own verdicts, and `worse` where a gate has said so of one. */
export function verdictChoices(runs: readonly RunEntry[]): string[] {
  const own = choices(runs, 'verdict');
  return runs.some(({ gate }) => gate === worse) ? [...own, worse] : own;
}
