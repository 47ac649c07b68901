import { Histogram } from '../metrics/histogram.ts';
import type { RunResult, Sli } from '../result/result.ts';

/**
 * What several sinks ask of a result. Nothing here measures or judges: it selects, joins and orders what the
 * result holds.
 */

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

/** The SLI's value at a quantile: one of those that a result holds, or else read from the histogram. */
export function valueAt(sli: Sli, quantile: number): number {
  if (quantile === 0.5) return sli.p50;
  if (quantile === 0.9) return sli.p90;
  if (quantile === 0.99) return sli.p99;
  if (quantile === 0.999) return sli.p999;
  return quantile >= 1 ? sli.max : Histogram.fromBase64(sli.histogram).quantile(quantile);
}

/** `p99`, `p99.9`, `max`. */
export function quantileName(quantile: number): string {
  return quantile >= 1 ? 'max' : `p${Number((quantile * 100).toFixed(4))}`;
}

/** Labels as a reader wants them: `PATCH pods/status (resource)` for API calls, `a=b, c=d` for the rest. */
export function labelText(sli: Sli): string {
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

/** The slowest kind of API call that is judged and was seen often enough to be; undefined without one. */
export function slowestJudgedCall(result: RunResult): Sli | undefined {
  const calls = [...slisOf(result, 'api-call'), ...slisOf(result, 'api-call-server')];
  return calls
    .filter(({ slo }) => slo !== undefined && slo.verdict !== 'inconclusive')
    .toSorted((a, b) => b.p99 - a.p99)[0];
}

/** Client and server side of one kind of API call. */
export type ApiCallRow = { client: Sli | undefined; server: Sli | undefined; labels: Record<string, string> };

/** Every kind of API call that was seen on either side, slowest p99 first. Kinds without samples are left out. */
export function apiCallRows(result: RunResult): ApiCallRow[] {
  const servers = new Map(slisOf(result, 'api-call-server').map((sli) => [callKey(sli), sli]));
  const rows: ApiCallRow[] = [];
  const matched = new Set<Sli>();
  for (const client of slisOf(result, 'api-call')) {
    const server = servers.get(callKey(client));
    if (server !== undefined) matched.add(server);
    if (client.count > 0 || (server?.count ?? 0) > 0) rows.push({ client, server, labels: client.labels });
  }
  for (const server of servers.values()) {
    if (!matched.has(server) && server.count > 0)
      rows.push({ client: undefined, server, labels: server.labels });
  }
  const p99 = (row: ApiCallRow): number => row.client?.p99 ?? row.server?.p99 ?? 0;
  return rows.toSorted((a, b) => p99(b) - p99(a));
}

/** Labels that only one side has (which client it was) do not keep the two apart. */
function callKey(sli: Sli): string {
  const { verb, resource, subresource, scope } = sli.labels;
  return JSON.stringify([verb, resource, subresource ?? '', scope]);
}

/** The run's length in milliseconds; 0 when its times are not in order. */
export function runDurationMs(result: RunResult): number {
  return Math.max(0, Date.parse(result.run.finishedAt) - Date.parse(result.run.startedAt));
}
