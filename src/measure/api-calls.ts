import type { CallMetrics } from '../metrics/call-metrics.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import { type Threshold, apiCallObjective, objectiveFor } from './slo.ts';

/** Whose calls they are: the load generator's, the observer's own, the hollow nodes'. */
export type CallSource = 'load' | 'observer' | 'nodes';

/** Streams have no latency: their length is what they were asked for. */
const streamingVerbs = new Set(['WATCH', 'CONNECT']);

const definition =
  'From the intended send of the request until the last byte of the answer, connection and queueing included, whatever the status; streams and requests without an answer are left out.';

const sources: Record<CallSource, string> = {
  load: "load generator's clock, 1 µs",
  observer: "observer's clock, 1 µs",
  nodes:
    "hollow nodes' clocks, 1 µs; from the hand-over to the node's client; includes the shard's loop delay",
};

/**
 * `api-call` for each kind of call of each source. The SLO is defined on the server's side: `api-call-server` is judged
 * where the server tells it. Otherwise (`judged`) the load generator's own calls are, which take longer by what lies
 * between client and server: they may miss an SLO that the server met, never the other way round.
 */
export function apiCallSlis(
  metrics: Readonly<Record<CallSource, CallMetrics>>,
  judged: boolean,
  thresholds: readonly Threshold[],
): Sli[] {
  const slis: Sli[] = [];
  for (const source of ['load', 'nodes', 'observer'] as const) {
    for (const { kind, histogram } of metrics[source].entries()) {
      if (streamingVerbs.has(kind.verb) || histogram.count === 0) continue;
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
          ...(slo === undefined ? {} : { slo }),
        }),
      );
    }
  }
  return slis;
}

/**
 * Answers that were no success, as one sentence for a reader; undefined when there were none. They are results, not
 * faults of the run: 429 is the server's throttling, 409 a conflict, `no answer` a lost connection or a timeout.
 */
export function refusalNote(metrics: Readonly<Record<CallSource, CallMetrics>>): string | undefined {
  const counts = new Map<string, { total: number; kinds: Map<string, number> }>();
  for (const source of ['load', 'nodes', 'observer'] as const) {
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
