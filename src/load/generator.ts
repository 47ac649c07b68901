import type { Clock } from '../base/clock.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { Histogram } from '../metrics/histogram.ts';
import { type CallOutcome, type DoneCall, type LoadClient, type LoadRequest, callUntilDone } from './call.ts';
import { joinSends } from './join-sends.ts';
import { type NamespaceWork, createNamespaces, deleteNamespaces } from './namespaces.ts';
import type { DeploymentPlan, ObjectContext, PodFailure, PodPlan } from './objects.ts';
import {
  type ObjectKey,
  createDeployment,
  createPod,
  createService,
  deleteDeployment,
  deletePod,
  deleteService,
  getPod,
  listPods,
  scaleDeployment,
} from './requests.ts';
import { PacedSender, type SendPlan, type SendReport } from './sender.ts';
import { WorkloadMaker } from './workload-maker.ts';
import { deleteWorkload } from './workload-requests.ts';
import { type WorkloadPlan, podsOf } from './workloads.ts';

/** A pod that was created directly; times are the clock's µs. */
export type CreatedPod = {
  uid: string;
  namespace: string;
  name: string;
  phase: string;
  /** When it should have been sent, when it was, and when the server's answer was there. */
  intendedUs: number;
  sentUs: number;
  acceptedUs: number;
};

export type LoadOptions = {
  /** Of the load's own identity, with {@link loadTransportsMax} transports; records latency from the intended time. */
  client: LoadClient;
  clock: Clock;
  context: ObjectContext;
  namespaces: readonly string[];
  /** Called for each pod that was created directly, at once. */
  onPodCreated?: (pod: CreatedPod) => void;
  /** Called when the server has accepted the deletion of such a pod. */
  onPodDeleted?: (pod: CreatedPod) => void;
  /** Called for each Job, StatefulSet and claim whose creation the server has accepted. */
  onWorkloadCreated?: (plan: WorkloadPlan, intendedUs: number) => void;
};

/** What the load has done so far; all but `podsExpected` only rise. */
export type LoadCounters = {
  /** Requests of paced phases whose intended time has come, and those that have left. */
  dueCount: number;
  sentCount: number;
  doneCount: number;
  failedCount: number;
  retryCount: number;
  heldBackCount: number;
  /**
   * Pods that should exist now: replicas of all Deployments and StatefulSets, those of Jobs in the end, and pods created
   * directly and not deleted.
   */
  podsExpected: number;
  /** Pods asked for so far, deleted ones included. */
  podsCreated: number;
};

/** What {@link LoadGenerator.deleteObjects} is to delete. */
export type DeletableObjects = {
  deployments: readonly ObjectKey[];
  services: readonly ObjectKey[];
  pods: readonly CreatedPod[];
  workloads: readonly WorkloadPlan[];
};

type OwnDeployment = ObjectKey & { phase: string; replicas: number; failure?: PodFailure };

/** Creates, scales, reads and deletes workload objects, at intended times, and knows what it has made. */
export class LoadGenerator {
  readonly namespaces: readonly string[];
  /** Latencies from the actual send; those from the intended time are in the client's own metrics. */
  readonly rawCalls = new CallMetrics();
  /** µs from intended to actual send, of all paced phases. */
  readonly lateness = new Histogram();
  /** Jobs, StatefulSets and claims. */
  readonly workloads: WorkloadMaker;
  private readonly options: LoadOptions;
  private readonly deployments = new Map<string, OwnDeployment>();
  private readonly ownServices = new Map<string, ObjectKey>();
  private readonly pods = new Map<string, CreatedPod>();
  private readonly reports: SendReport[] = [];
  /** Those of the phase at hand. */
  private phaseReports: SendReport[] = [];
  private running: PacedSender | undefined;
  private podsCreated = 0;
  private namespacesMade = false;

  constructor(options: LoadOptions) {
    this.options = options;
    this.namespaces = options.namespaces;
    const { client, context, onWorkloadCreated } = options;
    this.workloads = new WorkloadMaker({
      client,
      context,
      work: (signal) => this.namespaceWork(signal),
      send: (plan, signal, what) => this.sendPaced(plan, signal, what),
      onCreated: (plan, intendedUs) => {
        this.podsCreated += podsOf(plan);
        onWorkloadCreated?.(plan, intendedUs);
      },
    });
  }

  counters(): LoadCounters {
    const totals: LoadCounters = {
      dueCount: 0,
      sentCount: 0,
      doneCount: 0,
      failedCount: 0,
      retryCount: 0,
      heldBackCount: 0,
      podsExpected: this.podsExpected,
      podsCreated: this.podsCreated,
    };
    const current = this.running;
    const reports = current === undefined ? this.reports : [...this.reports, current.soFar];
    for (const report of reports) {
      totals.dueCount += report === current?.soFar ? current.dueCount : report.dueCount;
      totals.sentCount += report.sentCount;
      totals.doneCount += report.doneCount;
      totals.failedCount += report.failedCount;
      totals.retryCount += report.retryCount;
      totals.heldBackCount += report.heldBackCount;
    }
    return totals;
  }

  /** Begins to gather what {@link sentSoFar} tells. */
  beginPhase(): void {
    this.phaseReports = [];
  }

  /**
   * What has become of the phase's requests, also of those whose end nobody waits for because the cluster was lost
   * meanwhile. Undefined of none.
   */
  sentSoFar(): SendReport | undefined {
    const { running } = this;
    const reports = running === undefined ? this.phaseReports : [...this.phaseReports, running.brokenOff()];
    return reports.length === 0 ? undefined : reports.reduce(joinSends);
  }

  get podsExpected(): number {
    let replicas = 0;
    for (const deployment of this.deployments.values()) replicas += deployment.replicas;
    return replicas + this.workloads.pods + this.pods.size;
  }

  /** Those of {@link podsExpected} that can start. */
  get podsExpectedToStart(): number {
    let never = 0;
    for (const { failure, replicas } of this.deployments.values()) {
      if (failure?.failure === 'failed-pull') never += replicas;
    }
    return this.podsExpected - never;
  }

  /** Deployments of a phase, or all: those that were created and not deleted. */
  deploymentsOf(phase?: string): readonly ObjectKey[] {
    return [...this.deployments.values()].filter((own) => phase === undefined || own.phase === phase);
  }

  /** Services that were created and not deleted. */
  services(): readonly ObjectKey[] {
    return [...this.ownServices.values()];
  }

  /** Pods created directly and not deleted. */
  directPods(): readonly CreatedPod[] {
    return [...this.pods.values()];
  }

  /** Makes the run's namespaces, once. @throws HollowmarkError, see {@link createNamespaces}. */
  async ensureNamespaces(signal: AbortSignal): Promise<void> {
    if (this.namespacesMade) return;
    // Set before: what fails half-way has to be cleaned up too.
    this.namespacesMade = true;
    await createNamespaces(this.namespaces, this.namespaceWork(signal));
  }

  /**
   * Deletes the run's namespaces with all that is in them and waits until they are gone.
   * @returns the names of those that are left after `timeoutMs`.
   * @throws HollowmarkError, see {@link createNamespaces}.
   */
  async removeNamespaces(timeoutMs: number, signal: AbortSignal): Promise<string[]> {
    if (!this.namespacesMade) return [];
    const left = await deleteNamespaces(this.namespaces, timeoutMs, this.namespaceWork(signal));
    this.deployments.clear();
    this.ownServices.clear();
    this.pods.clear();
    this.workloads.allDeleted();
    this.namespacesMade = left.length > 0;
    return left;
  }

  /** One request for each plan, in order, and one before it where the plan has a Service. */
  createDeployments(
    plans: readonly DeploymentPlan[],
    sends: SendPlan,
    signal: AbortSignal,
  ): Promise<SendReport> {
    const { client, context } = this.options;
    const steps = plans.flatMap((plan) => [
      ...(plan.service ? [{ plan, isService: true }] : []),
      { plan, isService: false },
    ]);
    const stepAt = (i: number): (typeof steps)[number] => steps[i] as (typeof steps)[number];
    return this.sendPaced(sends, signal, {
      make: (i) => {
        const { plan, isService } = stepAt(i);
        return isService ? createService(client, plan, context) : createDeployment(client, plan, context);
      },
      onOutcome: (i, outcome) => {
        if (outcome.type !== 'done') return;
        const { plan, isService } = stepAt(i);
        if (isService) {
          this.ownServices.set(keyOf(plan), plan);
          return;
        }
        this.deployments.set(keyOf(plan), plan);
        this.podsCreated += plan.replicas;
      },
    });
  }

  /** Sets the replicas of Deployments of this run, one request each, in order. */
  scaleDeployments(
    keys: readonly ObjectKey[],
    replicas: number,
    sends: SendPlan,
    signal: AbortSignal,
  ): Promise<SendReport> {
    return this.sendPaced(sends, signal, {
      make: (i) => scaleDeployment(keys[i] as ObjectKey, replicas),
      onOutcome: (i, outcome) => {
        const own = this.deployments.get(keyOf(keys[i] as ObjectKey));
        if (outcome.type !== 'done' || own === undefined) return;
        this.podsCreated += Math.max(0, replicas - own.replicas);
        this.deployments.set(keyOf(own), { ...own, replicas });
      },
    });
  }

  /**
   * Deletes Deployments (their pods go later), Services, directly created pods, Jobs, StatefulSets and claims, one request
   * each, in this order.
   */
  deleteObjects(objects: DeletableObjects, sends: SendPlan, signal: AbortSignal): Promise<SendReport> {
    const { client } = this.options;
    const steps = [
      ...objects.deployments.map((key) => ({
        request: () => deleteDeployment(client, key),
        done: () => this.deployments.delete(keyOf(key)),
      })),
      ...objects.services.map((key) => ({
        request: () => deleteService(key),
        done: () => this.ownServices.delete(keyOf(key)),
      })),
      ...objects.pods.map((pod) => ({ request: () => deletePod(pod), done: () => this.podDeleted(pod) })),
      ...objects.workloads.map((plan) => ({
        request: () => deleteWorkload(client, plan),
        done: () => this.workloads.deleted(plan),
      })),
    ];
    return this.sendPaced(sends, signal, {
      make: (i) => (steps[i] as (typeof steps)[number]).request(),
      onOutcome: (i, outcome) => {
        if (outcome.type === 'done') steps[i]?.done();
      },
    });
  }

  /** Creates pods without a controller. `onCreated` is called for each, after the option of that name. */
  createPods(
    plans: readonly PodPlan[],
    sends: SendPlan,
    signal: AbortSignal,
    onCreated: (pod: CreatedPod) => void,
  ): Promise<SendReport> {
    const { client, context } = this.options;
    const asking: Promise<void>[] = [];
    return this.sendPaced(sends, signal, {
      make: (i) => createPod(client, plans[i] as PodPlan, context),
      onOutcome: (i, outcome, intendedUs) => {
        if (outcome.type === 'done') {
          asking.push(this.podAccepted(plans[i] as PodPlan, outcome, intendedUs, signal, onCreated));
        }
      },
    }).then(async (report) => {
      await Promise.all(asking);
      return report;
    });
  }

  /** Deletes one pod at once. @returns why not, if it failed. Never rejects. */
  async deletePodNow(pod: CreatedPod, signal: AbortSignal): Promise<string | undefined> {
    const outcome = await this.call(deletePod(pod), signal);
    if (outcome.type === 'done') this.podDeleted(pod);
    return outcome.type === 'failed'
      ? `delete Pod ${pod.namespace}/${pod.name}: ${outcome.message}`
      : undefined;
  }

  /** LIST requests for the pods of the run's namespaces, one after the other. */
  listPods(sends: SendPlan, signal: AbortSignal): Promise<SendReport> {
    return this.sendPaced(sends, signal, {
      make: (i) => listPods(this.namespaces[i % this.namespaces.length] ?? 'default'),
    });
  }

  private async podAccepted(
    plan: PodPlan,
    outcome: DoneCall,
    intendedUs: number,
    signal: AbortSignal,
    onCreated: (pod: CreatedPod) => void,
  ): Promise<void> {
    let { body } = outcome.response;
    if (outcome.already) {
      // The answer with the uid was lost: ask for it.
      const asked = await this.call(getPod(plan), signal);
      if (asked.type !== 'done') return;
      body = asked.response.body;
    }
    const { metadata } = this.options.client.codec.decode(body) as { metadata: { uid: string } };
    const pod: CreatedPod = {
      uid: metadata.uid,
      namespace: plan.namespace,
      name: plan.name,
      phase: plan.phase,
      intendedUs,
      sentUs: outcome.sentUs,
      acceptedUs: outcome.acceptedUs,
    };
    this.pods.set(keyOf(pod), pod);
    this.podsCreated++;
    this.options.onPodCreated?.(pod);
    onCreated(pod);
  }

  private podDeleted(pod: CreatedPod): void {
    if (this.pods.delete(keyOf(pod))) this.options.onPodDeleted?.(pod);
  }

  private async sendPaced(
    plan: SendPlan,
    signal: AbortSignal,
    what: {
      make: (i: number) => LoadRequest;
      onOutcome?: (i: number, outcome: CallOutcome, intendedUs: number) => void;
    },
  ): Promise<SendReport> {
    const { client, clock } = this.options;
    const sender = new PacedSender({
      client,
      clock,
      raw: this.rawCalls,
      lateness: this.lateness,
      plan,
      signal,
      ...what,
    });
    this.running = sender;
    try {
      const report = await sender.run();
      this.reports.push(report);
      this.phaseReports.push(report);
      return report;
    } finally {
      this.running = undefined;
    }
  }

  private call(request: LoadRequest, signal: AbortSignal): Promise<CallOutcome> {
    const { client, clock } = this.options;
    return callUntilDone({ client, clock, raw: this.rawCalls }, request, clock.nowUs(), signal);
  }

  private namespaceWork(signal: AbortSignal): NamespaceWork {
    const { client, clock, context } = this.options;
    return { client, clock, context, raw: this.rawCalls, signal };
  }
}

function keyOf({ namespace, name }: ObjectKey): string {
  return `${namespace}/${name}`;
}
