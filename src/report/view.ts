import { toldBelow } from '../result/bucket-bounds.ts';
import type { PhaseRequests, RunResult, Sli } from '../result/result.ts';
import { minimumSamples, valueAt } from '../result/summarise.ts';
import { formatCount, formatNumber, formatValue } from './charts/format.js';

/**
 * What several sinks ask of a result. Nothing here measures or judges: it selects, joins and orders what the
 * result holds.
 */

export { valueAt };

/** The SLIs of one id, in the result's order. */
export function slisOf(result: RunResult, id: string): Sli[] {
  return result.slis.filter((sli) => sli.id === id);
}

export type JudgedSli = Sli & { slo: NonNullable<Sli['slo']> };

/** The SLIs that have an SLO: failed ones first, then those that came closest to failing. */
export function judgedSlis(result: RunResult): JudgedSli[] {
  const rank = (sli: JudgedSli): number => (sli.slo.verdict === 'fail' ? 0 : 1);
  return result.slis
    .filter((sli): sli is JudgedSli => sli.slo !== undefined)
    .toSorted((a, b) => rank(a) - rank(b) || usedShare(b) - usedShare(a) || a.id.localeCompare(b.id));
}

/** How much of the threshold is used up: above 1 the SLO is missed. */
export function usedShare(sli: JudgedSli): number {
  if (sli.count === 0) return 0;
  return sli.slo.threshold === 0 ? Number.MAX_VALUE : valueAt(sli, sli.slo.quantile) / sli.slo.threshold;
}

/** A quantile of an SLI: `450 ms`, and `< 50 ms` where nothing below that is told apart. */
export function valueText({ id, unit }: Pick<Sli, 'id' | 'unit'>, value: number): string {
  const bound = toldBelow(id, value);
  return bound === undefined ? formatValue(value, unit) : `< ${formatValue(bound, unit)}`;
}

/** {@link usedShare} for people: `45 %`, and `< 5 %` where the value is only known to be less than something. */
export function usedText(sli: JudgedSli): string {
  const bound = sli.count === 0 ? undefined : toldBelow(sli.id, valueAt(sli, sli.slo.quantile));
  if (bound === undefined || sli.slo.threshold === 0) return `${formatNumber(usedShare(sli) * 100)} %`;
  return `< ${formatNumber((bound / sli.slo.threshold) * 100)} %`;
}

/** Why an SLO is inconclusive: `only 40 samples`. */
export function doubtText({ count, slo }: JudgedSli): string {
  if (count < minimumSamples(slo.quantile)) return `only ${formatCount(count)} samples`;
  return 'its histogram has no bound between value and threshold';
}

/** `p99`, `p99.9`, `max`. */
export function quantileName(quantile: number): string {
  return quantile >= 1 ? 'max' : `p${Number((quantile * 100).toFixed(4))}`;
}

/** Labels as a reader wants them: `PATCH pods/status (resource)` for API calls, `a=b, c=d` for the rest. */
export function labelText(sli: Pick<Sli, 'labels'>): string {
  const { verb, resource, subresource, scope, ...rest } = sli.labels;
  const more = Object.entries(rest).map(([key, value]) => (key === 'phase' ? value : `${key}=${value}`));
  if (verb === undefined || resource === undefined) {
    const all = Object.entries(sli.labels);
    return all.map(([key, value]) => (key === 'phase' ? value : `${key}=${value}`)).join(', ');
  }
  const target = subresource === undefined || subresource === '' ? resource : `${resource}/${subresource}`;
  const tail = [...(scope === undefined || scope === '' ? [] : [scope]), ...more];
  return `${verb} ${target}${tail.length === 0 ? '' : ` (${tail.join(', ')})`}`;
}

/** Where an SLI's samples come from, and how fine they are. */
export function sourceText({ source, resolution }: Sli): string {
  return resolution === '' ? source : `${source}; resolution: ${resolution}`;
}

/** The SLI's id and labels in one line: what a table row, a test case or a legend is called. */
export function sliName(sli: Sli): string {
  const labels = labelText(sli);
  return labels === '' ? sli.id : `${sli.id}: ${labels}`;
}

/** The startup figures to show first: those of the pods that are judged, to the microsecond where there are such. */
export function headlineStartup(result: RunResult): Sli | undefined {
  const official = slisOf(result, 'pod-startup');
  const precise = slisOf(result, 'pod-startup-precise');
  const judged = [...official, ...precise].find((sli) => sli.slo !== undefined && sli.count > 0);
  const same = precise.find((sli) => JSON.stringify(sli.labels) === JSON.stringify(judged?.labels));
  return same ?? judged ?? precise[0] ?? official[0];
}

/**
 * Phases or spans of the startup that one of these figures is of. Results once had them of the judged pods alone, without
 * saying so.
 */
export function startupParts(
  result: RunResult,
  id: 'pod-startup-phase' | 'pod-startup-span',
  figures: readonly Sli[],
): Sli[] {
  const headline = headlineStartup(result);
  return slisOf(result, id).filter(({ labels: { kind, class: podClass } }) =>
    figures.some((sli) =>
      kind === undefined ? sli === headline : sli.labels['kind'] === kind && sli.labels['class'] === podClass,
    ),
  );
}

/** The slowest kind of API call that is judged and was seen often enough to be; undefined without one. */
export function slowestJudgedCall(result: RunResult): Sli | undefined {
  const calls = [...slisOf(result, 'api-call'), ...slisOf(result, 'api-call-server')];
  return calls
    .filter(({ slo }) => slo !== undefined && slo.verdict !== 'inconclusive')
    .toSorted((a, b) => b.p99 - a.p99)[0];
}

/**
 * Client and server side of one kind of API call. `raw`: what the load measured from its actual sends. `isSameCalls`: by
 * their number, both sides have the same calls; otherwise the server's are those of all clients.
 */
export type ApiCallRow = {
  client: Sli | undefined;
  raw: Sli | undefined;
  server: Sli | undefined;
  isSameCalls: boolean;
  labels: Record<string, string>;
};

/** Every kind of API call that was seen on either side, slowest p99 first. Kinds without samples are left out. */
export function apiCallRows(result: RunResult): ApiCallRow[] {
  const servers = new Map(slisOf(result, 'api-call-server').map((sli) => [callKey(sli), sli]));
  const raws = new Map(slisOf(result, 'api-call-raw').map((sli) => [callKey(sli), sli]));
  const rows: ApiCallRow[] = [];
  const matched = new Set<Sli>();
  for (const client of slisOf(result, 'api-call')) {
    const server = servers.get(callKey(client));
    if (server !== undefined) matched.add(server);
    const { labels } = client;
    const raw = labels['source'] === 'load' ? raws.get(callKey(client)) : undefined;
    if (client.count > 0 || (server?.count ?? 0) > 0) {
      rows.push({ client, raw, server, isSameCalls: server?.count === client.count, labels });
    }
  }
  for (const server of servers.values()) {
    if (!matched.has(server) && server.count > 0) {
      const { labels } = server;
      rows.push({ client: undefined, raw: undefined, server, isSameCalls: false, labels });
    }
  }
  const p99 = (row: ApiCallRow): number => row.client?.p99 ?? row.server?.p99 ?? 0;
  return rows.toSorted((a, b) => p99(b) - p99(a));
}

/** Labels that only one side has (which client it was) do not keep the two apart. */
function callKey(sli: Sli): string {
  const { verb, resource, subresource, scope } = sli.labels;
  return JSON.stringify([verb, resource, subresource ?? '', scope]);
}

/** At what rate a phase sent, and at what rate it was to: `39.9 of 40/s`, `1,000 at once`. */
export function rateText({ sent, requestedPerSecond, achievedPerSecond }: PhaseRequests): string {
  if (requestedPerSecond === null) return `${formatCount(sent)} at once`;
  const achieved = achievedPerSecond === null ? '–' : formatNumber(achievedPerSecond);
  return `${achieved} of ${formatNumber(requestedPerSecond)}/s`;
}

/** The share of good windows, 0..1, that the scenario asks for; undefined where it asks for none. */
export function goodMinutesMin({ run }: RunResult): number | undefined {
  const { windows } = (run.parameters ?? {}) as { windows?: { goodMinutesMin?: unknown } };
  const asked = windows?.goodMinutesMin;
  return typeof asked === 'number' ? asked : undefined;
}

/** `11 of 12 minutes good (91.7 %), 2 undecided`; undefined for a result that has none, as of version 1. */
export function windowsText({ windows }: RunResult): string | undefined {
  const { good, bad, undecided, stepMs } = windows;
  if (good + bad + undecided === 0) return undefined;
  const noun = stepMs === 60_000 ? 'minutes' : 'windows';
  const share = good + bad === 0 ? '' : ` (${formatNumber((good / (good + bad)) * 100)} %)`;
  return `${formatCount(good)} of ${formatCount(good + bad)} ${noun} good${share}, ${formatCount(undecided)} undecided`;
}

/** The run's length in milliseconds; 0 when its times are not in order. */
export function runDurationMs(result: RunResult): number {
  return Math.max(0, Date.parse(result.run.finishedAt) - Date.parse(result.run.startedAt));
}
