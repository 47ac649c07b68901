import { sleep } from '../../base/clock.ts';
import { inParallel } from '../../base/in-parallel.ts';
import { formatDuration } from '../duration.ts';
import { evictPodsDefault, isPressure, taintOf } from '../node-failures.ts';
import type { PodOnNode } from '../node-reads.ts';
import type { FailNodesPhase, NodeAnswer } from '../scenario.ts';
import type { PhaseContext, PhaseOutcome } from './context.ts';
import { progressReports } from './outcome.ts';

/** Nodes are looked at this often, in the observer's memory; what is read from the API server, less often. */
const lookEveryMs = 200;
const readEveryMs = 1_000;
const readsInFlight = 8;
const readTriesMax = 10;

/** Names that a message carries. */
const namesShown = 5;

/** All taints of the node controller begin with this. */
const controllerTaint = 'node.kubernetes.io/';

const needsPods: ReadonlySet<NodeAnswer> = new Set(['podsEvicted', 'podsRescheduled', 'readyAgain']);

/** What an answer still lacks: nothing when `missing` is 0. `names`: of what lacks it, pods or nodes. */
type Look = { missing: number; total: number; said: string; names: readonly string[] };

/** Whether the cluster answers as expected to the failure of some nodes, and to their return. */
export class NodeAnswers {
  private readonly phase: FailNodesPhase;
  private readonly names: readonly string[];
  private readonly context: PhaseContext;
  private readonly lapsesBefore = new Map<string, number>();
  /** Pods that ran on the nodes before they failed, by node; and those that are there now, by node and uid. */
  private readonly before = new Map<string, readonly PodOnNode[]>();
  private readonly now = new Map<string, ReadonlyMap<string, PodOnNode>>();
  private startedBefore = 0;
  /** Nodes that have not renewed their lease since `sinceWallMs`. */
  private silent: readonly string[] = [];
  private sinceWallMs = 0;
  private readUs = Number.NEGATIVE_INFINITY;

  constructor(phase: FailNodesPhase, names: readonly string[], context: PhaseContext) {
    this.phase = phase;
    this.names = names;
    this.context = context;
  }

  /** Takes down how things are before the failure. @returns what stands in the way of that. */
  async remember(): Promise<PhaseOutcome | undefined> {
    const { progress } = this.context;
    for (const name of this.names) this.lapsesBefore.set(name, progress.node(name)?.lapses ?? 0);
    this.startedBefore = progress.podsStarted();
    if (!Object.keys(this.phase.withinMs).some((answer) => needsPods.has(answer as NodeAnswer))) {
      return undefined;
    }
    for (let tries = 0; this.now.size < this.names.length; tries++) {
      if (tries > 0) await this.pause(readEveryMs);
      if (tries === readTriesMax || this.context.signal.aborted) {
        const message = 'the API server did not say which pods are on the nodes';
        return { outcome: this.context.signal.aborted ? 'interrupted' : 'failed', message };
      }
      await this.readPods();
    }
    for (const [node, pods] of this.now) {
      this.before.set(
        node,
        [...pods.values()].filter((pod) => !isLeaving(pod)),
      );
    }
    return undefined;
  }

  /** Waits for each of these answers, at most so long from `fromUs`; completed: says when each came. */
  async until(withinMs: Partial<Record<NodeAnswer, number>>, fromUs: number): Promise<PhaseOutcome> {
    const { clock, signal } = this.context;
    this.sinceWallMs = clock.wallMs();
    this.silent = this.names;
    this.readUs = Number.NEGATIVE_INFINITY;
    const waiting = new Map(Object.entries(withinMs) as [NodeAnswer, number][]);
    const report = progressReports(this.context);
    const said: string[] = [];
    while (waiting.size > 0) {
      if (clock.nowUs() - this.readUs >= readEveryMs * 1000) await this.read([...waiting.keys()]);
      const passedMs = (clock.nowUs() - fromUs) / 1000;
      for (const [answer, limitMs] of waiting) {
        const { missing, total, said: state, names } = this.look(answer);
        report(state, 1 - missing / Math.max(1, total));
        if (missing === 0) {
          waiting.delete(answer);
          said.push(`${total} ${saidOf[answer]} after ${formatDuration(passedMs)}`);
        } else if (passedMs >= limitMs) {
          const which = names.length === 0 ? '' : `: ${namesOf(names)}`;
          return { outcome: 'failed', message: `${state} after ${formatDuration(limitMs)}${which}` };
        }
      }
      if (waiting.size === 0) break;
      await this.pause(lookEveryMs);
      if (signal.aborted) {
        return { outcome: 'interrupted', message: `interrupted while waiting for ${[...waiting.keys()][0]}` };
      }
    }
    return { outcome: 'completed', ...(said.length === 0 ? {} : { message: said.join(', ') }) };
  }

  /** Nodes that have ceased to be Ready since {@link remember}. */
  lapsed(): string[] {
    return this.names.filter(
      (name) => (this.context.progress.node(name)?.lapses ?? 0) > (this.lapsesBefore.get(name) ?? 0),
    );
  }

  private look(answer: NodeAnswer): Look {
    switch (answer) {
      case 'notReady':
        return this.lookAtNodes('are still Ready', (node) => node.ready);
      case 'tainted': {
        const taint = taintOf[this.phase.failure];
        return this.lookAtNodes(`are not tainted ${taint}`, ({ taints }) => !taints.includes(taint));
      }
      case 'podsEvicted':
        return this.evicted();
      case 'podsRescheduled':
        return this.rescheduled();
      case 'readyAgain':
        return this.readyAgain();
    }
  }

  /** All pods of a node that is gone, or as many as a node gives up that has run short. */
  private evicted(): Look {
    const what = 'have not been evicted';
    const { failure, evictPods = evictPodsDefault } = this.phase;
    if (!isPressure(failure)) return this.lookAtPods(what, (now) => !isGone(now));
    let total = 0;
    let missing = 0;
    const names: string[] = [];
    for (const [node, pods] of this.before) {
      const due = Math.min(evictPods, pods.length);
      const lacking = Math.max(0, due - pods.filter(({ uid }) => isGone(this.podNow(node, uid))).length);
      total += due;
      missing += lacking;
      if (lacking > 0) names.push(node);
    }
    return { missing, total, said: `${missing} of ${total} pods ${what}`, names };
  }

  /** As many run as before, and none of them where they ran. What no controller made is not made again once it is gone. */
  private rescheduled(): Look {
    const evicted = this.look('podsEvicted');
    if (evicted.missing > 0) return evicted;
    let lost = 0;
    for (const [node, pods] of this.before) {
      lost += pods.filter(({ controlled, uid }) => !controlled && isGone(this.podNow(node, uid))).length;
    }
    const total = this.startedBefore - lost;
    const started = this.context.progress.podsStarted();
    const missing = Math.max(0, total - started);
    return { missing, total, said: `${started} of ${total} pods run again elsewhere`, names: [] };
  }

  /** A kubelet that was away for less than a lease's time was never missed: its next renewal shows that it is back. */
  private readyAgain(): Look {
    if (this.silent.length > 0) {
      return lookOf(this.silent, this.names.length, 'nodes', 'have not renewed their lease');
    }
    const nodes = this.lookAtNodes(
      'are not Ready again, or still tainted',
      ({ ready, taints }) => !ready || taints.some((key) => key.startsWith(controllerTaint)),
    );
    if (nodes.missing > 0) return nodes;
    const pods = this.lookAtPods(
      'on the nodes are neither gone nor Ready again',
      (pod, before) =>
        pod !== undefined && !pod.ended && (pod.deleting || (before.ready && !before.failing && !pod.ready)),
    );
    return pods.missing > 0 ? pods : nodes;
  }

  private lookAtNodes(
    what: string,
    lacks: (node: { ready: boolean; taints: readonly string[] }) => boolean,
  ): Look {
    const lacking = this.names.filter((name) => {
      const node = this.context.progress.node(name);
      return node === undefined || lacks(node);
    });
    return lookOf(lacking, this.names.length, 'nodes', what);
  }

  /** `lacks` is told of a pod that ran on the nodes before, and what has become of it: undefined when it is gone. */
  private lookAtPods(what: string, lacks: (now: PodOnNode | undefined, before: PodOnNode) => boolean): Look {
    const lacking: string[] = [];
    let total = 0;
    for (const [node, pods] of this.before) {
      total += pods.length;
      for (const pod of pods) if (lacks(this.podNow(node, pod.uid), pod)) lacking.push(pod.name);
    }
    return lookOf(lacking, total, 'pods', what);
  }

  private podNow(node: string, uid: string): PodOnNode | undefined {
    return this.now.get(node)?.get(uid);
  }

  /** Reads from the API server what these answers are judged by. */
  private async read(answers: readonly NodeAnswer[]): Promise<void> {
    this.readUs = this.context.clock.nowUs();
    if (answers.some((answer) => needsPods.has(answer))) await this.readPods();
    if (!answers.includes('readyAgain')) return;
    const silent: string[] = [];
    await inParallel(this.silent, readsInFlight, async (name) => {
      const renewedMs = await this.context.nodes.leaseRenewedWallMs(name);
      if (renewedMs === undefined || renewedMs <= this.sinceWallMs) silent.push(name);
    });
    this.silent = silent;
  }

  /** Ends early when the run does. */
  private async pause(durationMs: number): Promise<void> {
    const { clock, signal } = this.context;
    await sleep(clock, durationMs, signal).catch(() => {});
  }

  private async readPods(): Promise<void> {
    await inParallel(this.names, readsInFlight, async (name) => {
      const pods = await this.context.nodes.podsOn(name);
      if (pods !== undefined) this.now.set(name, new Map(pods.map((pod) => [pod.uid, pod])));
    });
  }
}

const saidOf: Readonly<Record<NodeAnswer, string>> = {
  notReady: 'nodes not Ready',
  tainted: 'nodes tainted',
  podsEvicted: 'pods evicted',
  podsRescheduled: 'pods running',
  readyAgain: 'nodes Ready again',
};

function isLeaving(pod: PodOnNode): boolean {
  return pod.deleting || pod.ended;
}

function isGone(pod: PodOnNode | undefined): boolean {
  return pod === undefined || isLeaving(pod);
}

function lookOf(lacking: readonly string[], total: number, noun: string, what: string): Look {
  const missing = lacking.length;
  return { missing, total, said: `${missing} of ${total} ${noun} ${what}`, names: lacking };
}

/** The first few, and how many more there are. */
export function namesOf(names: readonly string[]): string {
  const more = names.length - namesShown;
  return `${names.slice(0, namesShown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
