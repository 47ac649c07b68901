import { Histogram } from '../metrics/histogram.ts';
import { toSli } from '../result/summarise.ts';
import type { Instrument, Series, ShardFigures, Told } from './instrument.ts';
import type { NodeState } from './observer.ts';
import { type Threshold, objectiveFor } from './slo.ts';

/** `first`: of a node that was not there before. `again`: its machine or its kubelet was down. */
const starts = ['first', 'again'] as const;
const phases = ['registered', 'ready'] as const;

type Start = (typeof starts)[number];
type Phase = (typeof phases)[number];

const begin =
  "From a hollow kubelet's start, which is its first attempt to connect (TLS handshake and, where it is asked for, its wait for other handshakes of the fleet included)";

const definitions: Readonly<Record<Phase, string>> = {
  registered: `${begin}, until the API server has answered that it has the Node; one sample for each start of a kubelet.`,
  ready: `${begin}, until a watcher has seen the Node Ready; a node that was Ready all the while its kubelet was down has none.`,
};

const sources: Readonly<Record<Phase, string>> = {
  registered: "hollow nodes' clocks; includes the shard's loop delay",
  ready:
    "hollow nodes' and observer's clocks, both the machine's monotonic one; includes the loop delay of both",
};

/** What this needs of {@link NodeObserver}. */
export type ObservedNodes = { node(name: string): Readonly<NodeState> | undefined };

/** How long nodes take to join: from a kubelet's start to its Node, and to Ready. */
export class NodeConnect implements Instrument {
  private readonly nodes: ObservedNodes;
  private readonly histograms = new Map<string, Histogram>();
  /** Of those that end with the observer: less its delay. */
  private readonly readyLower = new Map<Start, Histogram>();
  /** Registered, and not yet seen Ready since they started. */
  private readonly waiting = new Map<string, { startUs: number; start: Start }>();

  constructor(nodes: ObservedNodes) {
    this.nodes = nodes;
  }

  /** Three numbers a node: start, registered, and whether there was another kubelet before. */
  shard({ nodeConnects: { nodes, times } }: Pick<ShardFigures, 'nodeConnects'>): void {
    for (const [index, name] of nodes.entries()) {
      const startUs = times[index * 3] ?? 0;
      const registeredUs = times[index * 3 + 1] ?? 0;
      const start = times[index * 3 + 2] === 1 ? 'again' : 'first';
      this.histogram('registered', start).record(registeredUs - startUs);
      this.waiting.set(name, { startUs, start });
    }
    this.look();
  }

  sample(): void {
    if (this.waiting.size > 0) this.look();
  }

  series(): (Series & { phase: Phase; start: Start })[] {
    return phases.flatMap((phase) =>
      starts.flatMap((start) => {
        const histogram = this.histograms.get(`${phase}/${start}`);
        return histogram === undefined
          ? []
          : [{ id: 'node-connect', labels: { phase, start }, histogram, phase, start }];
      }),
    );
  }

  tell(thresholds: readonly Threshold[]): Told {
    this.look();
    let clampedCount = 0;
    const slis = this.series().map(({ id, labels, histogram, phase, start }) => {
      clampedCount += histogram.clampedCount;
      const slo = objectiveFor(thresholds, id, labels);
      const description = {
        id,
        labels,
        unit: 'us' as const,
        definition: definitions[phase],
        source: sources[phase],
        resolution: '1 µs',
        ...(phase === 'ready' ? { lowerBound: this.lowerOf(start) } : {}),
      };
      return toSli(histogram, slo === undefined ? description : { ...description, slo });
    });
    return { slis, clampedCount };
  }

  /** As many at a time as nodes start at a time: a few dozen, or all of them when a fleet returns. */
  private look(): void {
    for (const [name, { startUs, start }] of this.waiting) {
      const state = this.nodes.node(name);
      if (state === undefined || !state.ready) continue;
      this.waiting.delete(name);
      if (state.readyUs < startUs) continue;
      this.histogram('ready', start).record(state.readyUs - startUs);
      this.lowerOf(start).record(state.readyUs - startUs - state.readyDelayUs);
    }
  }

  private lowerOf(start: Start): Histogram {
    let histogram = this.readyLower.get(start);
    if (histogram === undefined) this.readyLower.set(start, (histogram = new Histogram()));
    return histogram;
  }

  private histogram(phase: Phase, start: Start): Histogram {
    const key = `${phase}/${start}`;
    let histogram = this.histograms.get(key);
    if (histogram === undefined) this.histograms.set(key, (histogram = new Histogram()));
    return histogram;
  }
}
