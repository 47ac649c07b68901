import type { Clock } from '../../base/clock.ts';
import type { Reporter } from '../../base/reporter.ts';
import type { PhaseSpan } from '../rows.ts';
import type { NodeSide } from '../side.ts';
import {
  type WorkObject,
  deploymentObject,
  endingPods,
  gate,
  gatedPod,
  namespaceObject,
  plainPod,
  readyPods,
  referredObjects,
  serviceObject,
} from './objects.ts';
import { type PhaseName, type WorkPlan, namespacesOf, phaseNames } from './plan.ts';
import { type SeenObject, type WorkClient, hasCondition } from './work-client.ts';

/** Nodes and pods as the API server has them at one moment. */
export type Snapshot = { moment: string; nodes: SeenObject[]; pods: SeenObject[] };

/** What came of the work on one side. */
export type WorkOutcome = {
  phases: PhaseSpan[];
  snapshots: Snapshot[];
  /** `namespace/name` of the pods whose starts are timed, by phase. */
  timedPods: { trickle: string[]; burst: string[] };
  /** Conditions that did not come about in time, in words. */
  unmet: string[];
};

/** A phase whose condition does not come about within this goes on without it. */
const conditionTimeoutMs = 60_000;
/**
 * By then it is calm: a pod in back-off is looked at every 10 to 15 s, so that a crash loop's third restart comes after 34 to 52 s
 * and its fourth after 75 at the earliest, and a failed pull is tried a third time after 30 to 45 s, and after 70.
 */
const varietyMs = 62_000;
/** By then a lease has been made and renewed: 10 s and 20 s after the start. */
const leaseMs = 25_000;

export type WorkOptions = {
  plan: WorkPlan;
  side: NodeSide;
  client: WorkClient;
  clock: Clock;
  reporter: Reporter;
};

/** Does all of the work, phase by phase, with the nodes of one side. */
export class Work {
  private readonly options: WorkOptions;
  private readonly namespaces: string[];
  private readonly made: WorkObject[] = [];
  private readonly outcome: WorkOutcome = {
    phases: [],
    snapshots: [],
    timedPods: { trickle: [], burst: [] },
    unmet: [],
  };
  private readonly epochUs: number;

  constructor(options: WorkOptions) {
    this.options = options;
    this.namespaces = namespacesOf(options.plan);
    this.epochUs = options.clock.wallMs() * 1000 - options.clock.nowUs();
  }

  /** @throws HollowmarkError as the side and the API server do, and the signal's reason. */
  async run(): Promise<WorkOutcome> {
    await this.prepare();
    for (const name of phaseNames) {
      if (name === 'idle' && this.options.plan.idleMs === 0) continue;
      this.options.reporter.progress(name, phaseNames.indexOf(name) / phaseNames.length);
      const startUs = this.nowUs();
      await this.phases[name]();
      this.outcome.phases.push({ name, startUs, endUs: this.nowUs() });
    }
    return this.outcome;
  }

  private readonly phases: Record<PhaseName, () => Promise<void>> = {
    join: async () => {
      const { side, client } = this.options;
      await side.start();
      await client.wait(leaseMs);
      await this.snapshot('join');
    },
    deployments: async () => {
      const { nodes, podsPerNode } = this.options.plan;
      const objects = this.namespaces.flatMap((namespace, index) => [
        serviceObject(namespace),
        deploymentObject(namespace, share(nodes * podsPerNode, this.namespaces.length, index)),
      ]);
      for (const object of objects) await this.create(object);
      await this.podsReady('deployment', nodes * podsPerNode);
      await this.settle();
      await this.snapshot('deployments');
    },
    trickle: async () => {
      const { singles } = this.options.plan;
      for (let i = 1; i <= singles; i++) {
        await this.create(this.timed('trickle', `single-${i}`, i));
        await this.podsReady('trickle', i);
        await this.settle();
      }
    },
    burst: async () => {
      const { burst } = this.options.plan;
      const pods = Array.from({ length: burst }, (_, i) => this.timed('burst', `burst-${i + 1}`, i));
      await Promise.all(pods.map((pod) => this.create(pod)));
      await this.podsReady('burst', burst);
      await this.settle();
      await this.snapshot('burst');
    },
    idle: async () => {
      await this.options.client.wait(this.options.plan.idleMs);
      await this.snapshot('idle');
    },
    variety: async () => {
      const { plan, client } = this.options;
      const startUs = this.nowUs();
      const namespace = this.namespaces[0] ?? '';
      const ending = plan.containersEnd ? endingPods(namespace) : [];
      for (const object of [...referredObjects(namespace), ...readyPods(namespace), ...ending]) {
        await this.create(object);
      }
      await this.gated(namespace);
      for (const kind of ['refers', 'two', 'probed', 'sickening']) await this.podsReady(kind, 1);
      if (plan.containersEnd) {
        await this.podsReady('initialised', 1);
        await this.podsReady('accompanied', 1);
        await this.podsAre('job', 'Succeeded', ({ status }) => status?.phase === 'Succeeded');
        await this.podsAre('crashing', 'restarted', (pod) => (restarts(pod) ?? 0) >= 2);
        await this.podsAre('unpulled', 'in back-off', (pod) => waitsFor(pod) === 'ImagePullBackOff');
        await this.podsAre('overdue', 'Failed', ({ status }) => status?.phase === 'Failed');
        await this.podsAre('sickening', 'restarted', (pod) => (restarts(pod) ?? 0) >= 1);
        await client.wait(Math.max(0, varietyMs - (this.nowUs() - startUs) / 1000));
      } else {
        await this.settle();
      }
      await this.snapshot('variety');
    },
    delete: async () => {
      await Promise.all(this.made.map((object) => this.options.client.delete(object)));
      await this.condition('all pods gone', async () => (await this.pods('')).length === 0);
      await this.settle();
      await this.snapshot('delete');
    },
    leave: async () => {
      await this.options.side.leave();
      await this.nodesAre('Unknown');
    },
    return: async () => {
      await this.options.side.return();
      await this.nodesAre('True');
      await this.options.client.wait(leaseMs);
      await this.snapshot('return');
    },
  };

  /** A pod that waits for its readiness gate, is Ready when that opens, and is not when it shuts. */
  private async gated(namespace: string): Promise<void> {
    const pod = gatedPod(namespace);
    await this.create(pod);
    await this.podsAre('gated', 'with ready containers', (seen) => hasCondition(seen, 'ContainersReady'));
    await this.options.client.setCondition(pod, gate, 'True');
    await this.podsReady('gated', 1);
    await this.options.client.setCondition(pod, gate, 'False');
    await this.podsAre('gated', 'not Ready', (seen) => hasCondition(seen, 'Ready', 'False'));
  }

  /** Namespaces with all that pods need: without it, their creation would be refused and tried again. */
  private async prepare(): Promise<void> {
    const { client } = this.options;
    for (const name of this.namespaces) await client.create(namespaceObject(name));
    for (const name of this.namespaces) {
      await this.condition(`namespace ${name} ready`, async () => {
        const path = `/api/v1/namespaces/${name}`;
        const there = ['serviceaccounts/default', 'configmaps/kube-root-ca.crt'].map((object) =>
          client.exists(`${path}/${object}`),
        );
        return (await Promise.all(there)).every(Boolean);
      });
    }
  }

  private timed(phase: 'trickle' | 'burst', name: string, index: number): WorkObject {
    const namespace = this.namespaces[index % this.namespaces.length] ?? '';
    this.outcome.timedPods[phase].push(`${namespace}/${name}`);
    return plainPod(namespace, name, phase);
  }

  private async create(object: WorkObject): Promise<void> {
    this.made.push(object);
    await this.options.client.create(object);
  }

  private settle(): Promise<void> {
    return this.options.client.wait(this.options.plan.settleMs);
  }

  /** @param kind the value of the work's label; empty for all. */
  private pods(kind: string): Promise<SeenObject[]> {
    const selector = kind === '' ? '' : `?labelSelector=hollowmark.dev%2Fwork%3D${kind}`;
    return this.options.client.list(`/api/v1/pods${selector}`);
  }

  private podsReady(kind: string, count: number): Promise<void> {
    return this.condition(`${count} ${kind} pods Ready`, async () => {
      const pods = await this.pods(kind);
      return pods.filter((pod) => hasCondition(pod, 'Ready')).length === count;
    });
  }

  private podsAre(kind: string, what: string, check: (pod: SeenObject) => boolean): Promise<void> {
    return this.condition(`the ${kind} pod ${what}`, async () => {
      const pods = await this.pods(kind);
      return pods.length > 0 && pods.every(check);
    });
  }

  private nodesAre(ready: string): Promise<void> {
    return this.condition(`all nodes' Ready ${ready}`, async () => {
      const nodes = await this.options.client.list('/api/v1/nodes');
      return nodes.every((node) => hasCondition(node, 'Ready', ready));
    });
  }

  private async condition(what: string, check: () => Promise<boolean>): Promise<void> {
    if (!(await this.options.client.until(check, conditionTimeoutMs))) this.outcome.unmet.push(what);
  }

  private async snapshot(moment: string): Promise<void> {
    const { client } = this.options;
    const [nodes, pods] = await Promise.all([client.list('/api/v1/nodes'), client.list('/api/v1/pods')]);
    this.outcome.snapshots.push({ moment, nodes, pods });
  }

  private nowUs(): number {
    return this.options.clock.nowUs() + this.epochUs;
  }
}

/** The part of `total` that the one of `parts` with this index gets, as even as can be. */
function share(total: number, parts: number, index: number): number {
  return Math.floor(((index + 1) * total) / parts) - Math.floor((index * total) / parts);
}

function restarts({ status }: SeenObject): number | undefined {
  return status?.containerStatuses?.[0]?.restartCount;
}

function waitsFor({ status }: SeenObject): string | undefined {
  return status?.containerStatuses?.[0]?.state?.waiting?.reason;
}
