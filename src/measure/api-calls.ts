import type { CallClass, CallMetrics } from '../metrics/call-metrics.ts';
import type { CallOutcomes, Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import { type Threshold, apiCallObjective, objectiveFor } from './slo.ts';

/** Whose calls they are: the load generator's, the observer's own, the hollow nodes'. */
export type CallSource = 'load' | 'observer' | 'nodes';

export const callSources = ['load', 'nodes', 'observer'] as const;

const streamingVerbs = new Set(['WATCH', 'CONNECT']);

/** Streams have no latency: their length is what they were asked for. */
export function isStream({ verb }: Pick<CallClass, 'verb'>): boolean {
  return streamingVerbs.has(verb);
}

const definition =
  'From the intended send of the request until the last byte of the answer, connection and queueing included, whatever the status; one of the load without an answer counts on until it has one or is given up; streams and what else had no answer are left out. One SLI for each verb, resource, subresource and scope.';

const sources: Record<CallSource, string> = {
  load: "load generator's clock",
  observer: "observer's clock",
  nodes: "hollow nodes' clocks, from the hand-over to the node's client; includes the shard's loop delay",
};

/**
 * `api-call` for each kind of call of each source. The SLO is defined on the server's side: `api-call-server` is judged
 * where the server tells it. Unless it does so of the whole run (`judged`), the load generator's own calls are, which take longer by what lies
 * between client and server: they may miss an SLO that the server met, never the other way round.
 */
export function apiCallSlis(
  metrics: Readonly<Record<CallSource, CallMetrics>>,
  judged: boolean,
  thresholds: readonly Threshold[],
): Sli[] {
  const slis: Sli[] = [];
  for (const source of callSources) {
    for (const { kind, histogram, lower } of metrics[source].entries()) {
      if (isStream(kind) || histogram.count === 0) continue;
      const { verb, resource, subresource, scope } = kind;
      const labels = { verb, resource, subresource, scope, source };
      const official = judged && source === 'load' ? apiCallObjective(kind) : undefined;
      const slo = objectiveFor(thresholds, 'api-call', labels, source === 'load' ? 0 : 1) ?? official;
      slis.push(
        toSli(histogram, {
          id: 'api-call',
          labels,
          unit: 'us',
          definition,
          source: sources[source],
          resolution: '1 µs',
          ...(lower === undefined ? {} : { lowerBound: lower }),
          ...(slo === undefined ? {} : { slo }),
        }),
      );
    }
  }
  return slis;
}

/** What became of all calls but streams, which end as they were asked to. */
export function callOutcomes(metrics: Readonly<Record<CallSource, CallMetrics>>): CallOutcomes[] {
  return callSources.flatMap((source) =>
    [...metrics[source].entries()]
      .filter(({ kind }) => !isStream(kind))
      .map(({ kind: { verb, resource, subresource, scope }, statuses }) => ({
        source,
        verb,
        resource,
        subresource,
        scope,
        statuses: Object.fromEntries(
          [...statuses]
            .toSorted(([a], [b]) => a - b)
            .map(([status, count]) => [status === 0 ? 'none' : String(status), count]),
        ),
      })),
  );
}

/**
 * Answers that were no success, as one sentence for a reader; undefined when there were none. They are results, not
 * faults of the run: 429 is the server's throttling, 409 a conflict, `no answer` a lost connection or a timeout.
 */
export function refusalNote(metrics: Readonly<Record<CallSource, CallMetrics>>): string | undefined {
  const counts = new Map<string, { total: number; kinds: Map<string, number> }>();
  for (const source of callSources) {
    for (const { kind, statuses } of metrics[source].entries()) {
      for (const [status, count] of statuses) {
        if (status >= 200 && status < 400) continue;
        const name = status === 0 ? 'no answer' : String(status);
        const entry = counts.get(name) ?? { total: 0, kinds: new Map<string, number>() };
        counts.set(name, entry);
        entry.total += count;
        const call = `${kind.verb} ${kind.resource}${kind.subresource === '' ? '' : `/${kind.subresource}`}`;
        entry.kinds.set(call, (entry.kinds.get(call) ?? 0) + count);
      }
    }
  }
  if (counts.size === 0) return undefined;
  const parts = [...counts]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, entry]) => {
      const [most] = [...entry.kinds].toSorted(([, a], [, b]) => b - a);
      return `${entry.total} × ${name} (most: ${most?.[0]}, ${most?.[1]})`;
    });
  return `Requests without success: ${parts.join(', ')}.`;
}
