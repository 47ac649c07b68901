import { Histogram } from '../metrics/histogram.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import { type Threshold, objectiveFor } from './slo.ts';

const clocks =
  'annotation endpoints.kubernetes.io/last-change-trigger-time against the wall clock of the hollow nodes';
const resolution =
  'the annotation has whole seconds (Ready transition of a pod, creation of a Service), so it reads up to 1 s too long';

/**
 * Network programming latency: from the change of a Service's endpoints until it is in a proxy's rules. In work at SIG
 * Scalability, without a threshold: reported, and judged only by a scenario's own.
 * Source: kubernetes/community sig-scalability/slos/network_programming_latency.md.
 */
export class NetworkProgramming {
  private readonly changes = new Histogram();
  private readonly proxyP99s = new Histogram();

  /** What a shard's proxies have seen since its last statistics: HDR V2 base64, microseconds. */
  record(snapshot: { changes: string; proxyP99s: string }): void {
    this.changes.merge(Histogram.fromBase64(snapshot.changes));
    this.proxyP99s.merge(Histogram.fromBase64(snapshot.proxyP99s));
  }

  /** Empty when no change was programmed: a run without Services has nothing to tell. */
  slis(thresholds: readonly Threshold[]): Sli[] {
    if (this.changes.count === 0) return [];
    const described = (histogram: Histogram, id: string, definition: string, source: string): Sli => {
      const slo = objectiveFor(thresholds, id, {});
      const description = { id, labels: {}, unit: 'us' as const, definition, source };
      return toSli(histogram, slo === undefined ? description : { ...description, slo });
    };
    return [
      described(
        this.changes,
        'network-programming',
        'From the change of a pod or Service that led to a change of endpoints until a hollow kube-proxy has it in its rules, for each change on each proxy; endpoint slices that go and changes from before the proxy are left out.',
        `${clocks}, 1 ms; ${resolution}; how long a sync takes is modelled`,
      ),
      described(
        this.proxyP99s,
        'network-programming-proxy',
        "The p99 of network-programming on one proxy over five minutes, or what the run's end leaves of them; the SLO in work is on the p99 of all proxies.",
        `${clocks}, 1 ms and 1 %; ${resolution}`,
      ),
    ];
  }
}
