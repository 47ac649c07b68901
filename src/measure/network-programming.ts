import { Histogram } from '../metrics/histogram.ts';
import type { Sli } from '../result/result.ts';
import { toSli } from '../result/summarise.ts';
import type { Instrument, Series, ShardFigures, Told } from './instrument.ts';
import { type Threshold, objectiveFor } from './slo.ts';
import { countOf, countText } from './words.ts';

const clocks =
  'annotation endpoints.kubernetes.io/last-change-trigger-time against the wall clock of the hollow nodes';
const resolution =
  'the annotation has whole seconds (Ready transition of a pod, creation of a Service), so it reads up to 1 s too long';

/**
 * Network programming latency: from the change of a Service's endpoints until it is in a proxy's rules. In work at SIG
 * Scalability, without a threshold: reported, and judged only by a scenario's own.
 * Source: kubernetes/community sig-scalability/slos/network_programming_latency.md.
 */
export class NetworkProgramming implements Instrument {
  private readonly changes = new Histogram();
  private readonly proxyP99s = new Histogram();
  private clampedCount = 0;
  private negativeCount = 0;

  /** What a shard's proxies have seen since its last statistics: HDR V2 base64, microseconds. */
  shard({ networkProgramming }: Pick<ShardFigures, 'networkProgramming'>): void {
    this.changes.merge(Histogram.fromBase64(networkProgramming.changes));
    this.proxyP99s.merge(Histogram.fromBase64(networkProgramming.proxyP99s));
    this.clampedCount += networkProgramming.clampedCount;
    this.negativeCount += networkProgramming.negativeCount;
  }

  series(): Series[] {
    return [
      { id: 'network-programming', labels: {}, histogram: this.changes },
      { id: 'network-programming-proxy', labels: {}, histogram: this.proxyP99s },
    ];
  }

  private notes(): string[] {
    if (this.negativeCount === 0) return [];
    const changes = countOf(this.changes.count, 'change');
    return [
      `Network programming: ${countText(this.negativeCount)} of ${changes} were in the rules before they had happened, by the clocks of two machines, and count as 0: the others are too short as well.`,
    ];
  }

  /** Nothing when no change was programmed: a run without Services has nothing to tell. */
  tell(thresholds: readonly Threshold[]): Told {
    if (this.changes.count === 0) return {};
    const described = (histogram: Histogram, id: string, definition: string, fineness: string): Sli => {
      const slo = objectiveFor(thresholds, id, {});
      const description = {
        id,
        labels: {},
        unit: 'us' as const,
        definition,
        source: clocks,
        resolution: `${fineness}; ${resolution}`,
      };
      return toSli(histogram, slo === undefined ? description : { ...description, slo });
    };
    const slis = [
      described(
        this.changes,
        'network-programming',
        'From the change of a pod or Service that led to a change of endpoints until a hollow kube-proxy has it in its rules, for each change on each proxy; endpoint slices that go and changes from before the proxy are left out.',
        '1 ms; how long a sync takes is modelled',
      ),
      described(
        this.proxyP99s,
        'network-programming-proxy',
        "The p99 of network-programming on one proxy over five minutes, or what the run's end leaves of them; the SLO in work is on the p99 of all proxies.",
        '1 ms and 1 %',
      ),
    ];
    return { slis, notes: this.notes(), clampedCount: this.clampedCount };
  }
}
