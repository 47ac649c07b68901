import type { EventMetadata } from '../../wire/codec.ts';
import { kinds, type KubeletContext } from '../context.ts';
import type { ObjectEvent } from '../effects.ts';
import type { EventRecorder } from '../event-recorder.ts';
import type { PodIpPool } from './pod-ip-pool.ts';
import { type ContainerSpec, type PodSpec, podHasEnded, podSpec } from './pod-record.ts';
import { type ContainerState, type PodLife, type Status, digest, podStatus } from './pod-status.ts';
import { ReferenceWatches } from './reference-watches.ts';
import { podView } from '../views.ts';
import type { Distribution } from '../runtime/distribution.ts';
import { SharedWork } from '../runtime/shared-work.ts';
import { StatusManager, type StatusSource } from './status-manager.ts';

/** A token request that failed is made again after 500 ms, doubling to 2 min (volume manager's back-off). */
const tokenRetryMsMin = 500;
const tokenRetryMsMax = 122_000;

const tokenSeconds = 3607;

/** A token is fetched anew at 80 % of its life (pkg/kubelet/token), a little later for each pod. */
/** One timer a node looks for tokens that are due: a timer a pod would outlive its pod by most of an hour. */
const tokenCheckMs = 60_000;
const tokenRefreshMs: Distribution = { uniform: [tokenSeconds * 800, tokenSeconds * 800 + 10_000] };

/**
 * What a pod's worker does next:
 * volumes → sandbox → init containers, one after the other → create and start of each container → running;
 * after a deletion: killing → cleaning → gone.
 */
type Stage =
  | { at: 'volumes' }
  | { at: 'sandbox' }
  | { at: 'create' | 'start'; init: boolean; index: number }
  | { at: 'init-run'; index: number }
  | { at: 'running' }
  | { at: 'killing'; sinceMs: number }
  | { at: 'cleaning' }
  | { at: 'ended' };

type Pod = {
  spec: PodSpec;
  life: PodLife;
  stage: Stage;
  seenUs: number;
  /** What becomes its IP once the sandbox is there: the node's, or one of the pod CIDR. */
  address: string;
  hasToken: boolean;
  /** When a new token is due, milliseconds of the monotonic clock. */
  tokenDueMs: number;
  tokenRetryMs: number;
  deleting: boolean;
  /** Set until the API server has acknowledged that all containers have started. */
  unreported: boolean;
};

/** The pods of one node: each one's worker as a state machine over a fake runtime, and their statuses. */
export class PodWorkers implements StatusSource {
  private readonly context: KubeletContext;
  private readonly events: EventRecorder;
  private readonly ips: PodIpPool;
  private readonly pods = new Map<string, Pod>();
  private readonly work: SharedWork;
  private readonly references: ReferenceWatches;
  private readonly statuses: StatusManager;
  private listed: Set<string> | undefined;
  private workGeneration = 0;
  private refreshArmed = false;

  constructor(context: KubeletContext, events: EventRecorder, ips: PodIpPool) {
    this.context = context;
    this.events = events;
    this.ips = ips;
    this.work = new SharedWork(context.profile.parallelOperations);
    this.references = new ReferenceWatches(context);
    this.statuses = new StatusManager(context, this);
  }

  get size(): number {
    return this.pods.size;
  }

  // ---- what the pod watch says ----

  onListing(): void {
    this.listed = new Set();
  }

  onListed(): void {
    const listed = this.listed;
    this.listed = undefined;
    if (listed === undefined) return;
    for (const uid of [...this.pods.keys()]) if (!listed.has(uid)) this.removed(uid);
  }

  onReferenceSynced(key: string): void {
    this.references.onSynced(key);
  }

  /** A pod of this node appeared or changed. Only new ones are decoded as a whole. */
  observed(event: ObjectEvent): void {
    const metadata = event.metadata();
    this.listed?.add(metadata.uid);
    const pod = this.pods.get(metadata.uid);
    if (pod !== undefined) {
      if (metadata.deleting && !pod.deleting) this.kill(pod, metadata.generation);
      return;
    }
    const object = event.object(podView);
    // A pod that ended before this kubelet knew it (or that another incarnation ran) is left alone.
    if (!podHasEnded(object)) this.add(podSpec(object), metadata);
  }

  /** The pod is gone from the API server without our doing: its containers are killed, nothing is reported. */
  removed(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    this.statuses.forget(uid);
    // The watch may tell of our own DELETE before its answer does.
    if (pod.stage.at === 'ended') this.context.emit({ type: 'pod-deleted' });
    this.drop(pod);
  }

  // ---- the stages of a start ----

  private add(spec: PodSpec, metadata: EventMetadata): void {
    const { context } = this;
    const wallMs = context.now.wallMs;
    const pod: Pod = {
      spec,
      stage: { at: 'volumes' },
      seenUs: context.now.us,
      address: this.context.node.address,
      hasToken: !spec.needsToken,
      tokenDueMs: Number.POSITIVE_INFINITY,
      tokenRetryMs: tokenRetryMsMin,
      deleting: false,
      unreported: true,
      life: {
        generation: metadata.generation,
        startWallMs: wallMs,
        sandboxReady: false,
        sandboxWallMs: wallMs,
        initialized: spec.initContainers.length === 0,
        initializedWallMs: wallMs,
        ready: false,
        readyWallMs: wallMs,
        ended: false,
        podIp: '',
        containers: spec.containers.map(() => ({ is: 'waiting' })),
        initContainers: spec.initContainers.map(() => ({ is: 'waiting' })),
      },
    };
    this.pods.set(spec.uid, pod);
    this.references.use(spec.uid, spec.namespace, spec.references);
    this.statuses.changed(spec.uid);
    if (metadata.deleting) {
      this.kill(pod, metadata.generation);
      return;
    }
    if (spec.needsToken)
      context.after(context.draw(context.profile.tokenRequestMs), { of: 'token', uid: spec.uid });
    context.after(context.profile.volumesPollMs, { of: 'volumes', uid: spec.uid });
  }

  onTokenTimer(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || pod.deleting) return;
    const { spec } = pod;
    this.context.request(
      'api',
      {
        method: 'POST',
        path: `/api/v1/namespaces/${spec.namespace}/serviceaccounts/${spec.serviceAccountName}/token`,
        kind: kinds.createToken,
        body: {
          kind: 'TokenRequest',
          apiVersion: 'authentication.k8s.io/v1',
          metadata: {},
          spec: {
            audiences: null,
            expirationSeconds: tokenSeconds,
            boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: spec.name, uid: spec.uid },
          },
          status: { token: '', expirationTimestamp: null },
        },
      },
      { to: 'token', uid },
    );
  }

  onToken(uid: string, status: number): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || pod.deleting) return;
    if (status === 201) {
      pod.hasToken = true;
      pod.tokenRetryMs = tokenRetryMsMin;
      pod.tokenDueMs = this.context.nowMs + this.context.draw(tokenRefreshMs);
      this.armTokenRefresh();
      return;
    }
    // 403 comes when the Node authorizer has not seen the binding yet.
    this.context.after(pod.tokenRetryMs, { of: 'token', uid });
    pod.tokenRetryMs = Math.min(tokenRetryMsMax, pod.tokenRetryMs * 2);
  }

  /** Asks for new tokens where they are due; goes on as long as there are pods. */
  onTokenRefresh(): void {
    this.refreshArmed = false;
    for (const [uid, pod] of this.pods) {
      if (pod.tokenDueMs > this.context.nowMs) continue;
      pod.tokenDueMs = Number.POSITIVE_INFINITY;
      this.onTokenTimer(uid);
    }
    if (this.pods.size > 0) this.armTokenRefresh();
  }

  private armTokenRefresh(): void {
    if (this.refreshArmed) return;
    this.refreshArmed = true;
    this.context.after(tokenCheckMs, { of: 'token-refresh' });
  }

  onVolumesTimer(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || pod.stage.at !== 'volumes') return;
    const { spec } = pod;
    const ready = pod.hasToken && this.references.ready(spec.namespace, spec.references);
    if (!ready || !(spec.hostNetwork || this.ips.available)) {
      this.context.after(this.context.profile.volumesPollMs, { of: 'volumes', uid });
      return;
    }
    if (!spec.hostNetwork) pod.address = this.ips.take(uid);
    pod.stage = { at: 'sandbox' };
    this.begin(pod, this.context.draw(this.context.profile.sandboxMs));
  }

  /** The runtime finished something. `generation` tells a stale timer from the current one. */
  onRuntimeTimer(generation: number): void {
    if (generation !== this.workGeneration) return;
    for (const uid of this.work.finished(this.context.nowMs)) {
      const pod = this.pods.get(uid);
      if (pod !== undefined) this.finished(pod);
    }
    this.arm();
  }

  onInitExit(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || pod.stage.at !== 'init-run') return;
    const { index } = pod.stage;
    pod.life.initContainers[index] = exited(pod.life.initContainers[index], this.context.now.wallMs);
    this.startNext(pod, true, index + 1);
    this.statuses.changed(uid);
  }

  onProbe(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || pod.stage.at !== 'running') return;
    for (const container of pod.life.containers) if (container.is === 'running') container.ready = true;
    this.becomeReady(pod);
    this.statuses.changed(uid);
  }

  private finished(pod: Pod): void {
    const { stage } = pod;
    switch (stage.at) {
      case 'sandbox':
        pod.life.sandboxReady = true;
        pod.life.sandboxWallMs = this.context.now.wallMs;
        pod.life.podIp = pod.address;
        this.statuses.changed(pod.spec.uid);
        this.startNext(pod, pod.spec.initContainers.length > 0, 0);
        break;
      case 'create':
        this.containerEvent(pod, stage, 'Created', 'Container created');
        pod.stage = { ...stage, at: 'start' };
        this.begin(pod, this.context.draw(this.context.profile.startMs));
        break;
      case 'start':
        this.started(pod, stage);
        break;
      case 'killing':
        this.killed(pod, stage.sinceMs);
        break;
      case 'volumes':
      case 'init-run':
      case 'running':
      case 'cleaning':
      case 'ended':
        break;
    }
  }

  private startNext(pod: Pod, init: boolean, index: number): void {
    const specs = init ? pod.spec.initContainers : pod.spec.containers;
    if (index < specs.length) {
      const stage = { at: 'create', init, index } as const;
      pod.stage = stage;
      this.containerEvent(
        pod,
        stage,
        'Pulled',
        `Container image "${specs[index]?.image}" already present on machine and can be accessed by the pod`,
      );
      this.begin(pod, this.context.draw(this.context.profile.createMs));
    } else if (init) {
      pod.life.initialized = true;
      pod.life.initializedWallMs = this.context.now.wallMs;
      this.startNext(pod, false, 0);
    } else {
      pod.stage = { at: 'running' };
      this.running(pod);
    }
  }

  private started(pod: Pod, stage: { init: boolean; index: number }): void {
    this.containerEvent(pod, stage, 'Started', 'Container started');
    const specs = stage.init ? pod.spec.initContainers : pod.spec.containers;
    const states = stage.init ? pod.life.initContainers : pod.life.containers;
    states[stage.index] = {
      is: 'running',
      id: `containerd://${digest(`${pod.spec.uid}/${specs[stage.index]?.name}`)}`,
      startedWallMs: this.context.now.wallMs,
      ready: !stage.init && specs[stage.index]?.readyAfterSeconds === undefined,
    };
    if (stage.init) {
      pod.stage = { at: 'init-run', index: stage.index };
      this.context.after(this.context.draw(this.context.profile.initContainerRunMs), {
        of: 'init-exit',
        uid: pod.spec.uid,
      });
      this.statuses.changed(pod.spec.uid);
    } else {
      this.startNext(pod, false, stage.index + 1);
    }
  }

  private running(pod: Pod): void {
    const waits = pod.spec.containers.map((container) => container.readyAfterSeconds ?? -1);
    const longest = Math.max(...waits);
    if (longest < 0) this.becomeReady(pod);
    else this.context.after(longest * 1000 + probeMs, { of: 'probe', uid: pod.spec.uid });
    this.statuses.changed(pod.spec.uid);
  }

  private becomeReady(pod: Pod): void {
    pod.life.ready = true;
    pod.life.readyWallMs = this.context.now.wallMs;
  }

  // ---- the stages of a deletion ----

  private kill(pod: Pod, generation: number): void {
    const { context } = this;
    pod.deleting = true;
    pod.life.generation = generation;
    this.work.abandon(pod.spec.uid, context.nowMs);
    pod.life.containers.forEach((state, index) => {
      if (state.is !== 'running') return;
      const name = pod.spec.containers[index]?.name ?? '';
      this.containerEvent(pod, { init: false, index }, 'Killing', `Stopping container ${name}`);
    });
    this.statuses.changed(pod.spec.uid);
    pod.stage = { at: 'killing', sinceMs: context.nowMs };
    this.begin(pod, context.draw(context.profile.stopMs));
  }

  private killed(pod: Pod, sinceMs: number): void {
    const { life } = pod;
    const wallMs = this.context.now.wallMs;
    life.containers = life.containers.map((state) => exited(state, wallMs));
    life.initContainers = life.initContainers.map((state) => exited(state, wallMs));
    life.ended = true;
    life.sandboxReady = false;
    life.sandboxWallMs = wallMs;
    if (life.ready) {
      life.ready = false;
      life.readyWallMs = wallMs;
    }
    if (this.context.nowMs - sinceMs > this.context.profile.podIpVisibleAfterKillMs) life.podIp = '';
    pod.stage = { at: 'cleaning' };
    this.statuses.changed(pod.spec.uid);
    this.context.after(this.context.draw(this.context.profile.cleanupMs), {
      of: 'cleanup',
      uid: pod.spec.uid,
    });
  }

  onCleanup(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || pod.stage.at !== 'cleaning') return;
    pod.life.podIp = '';
    pod.stage = { at: 'ended' };
    this.statuses.changed(uid);
  }

  private drop(pod: Pod): void {
    const { spec } = pod;
    this.work.abandon(spec.uid, this.context.nowMs);
    this.arm();
    this.references.release(spec.uid, spec.namespace, spec.references);
    this.ips.release(spec.uid);
    this.events.forget(spec.uid);
    this.pods.delete(spec.uid);
  }

  // ---- what the status manager asks and says ----

  onStatusAnswer(step: 'get' | 'patch' | 'delete', uid: string, status: number, body: unknown): void {
    this.statuses.onAnswer(step, uid, status, body);
  }

  onStatusTimer(): void {
    this.statuses.onTimer();
  }

  pathOf(uid: string): string | undefined {
    const spec = this.pods.get(uid)?.spec;
    return spec === undefined ? undefined : `/api/v1/namespaces/${spec.namespace}/pods/${spec.name}`;
  }

  current(uid: string): { status: Status; deletable: boolean } | undefined {
    const pod = this.pods.get(uid);
    if (pod === undefined) return undefined;
    return {
      status: podStatus(pod.spec, pod.life, this.context.node.address),
      deletable: pod.stage.at === 'ended',
    };
  }

  onSynced(uid: string, status: Status, sentUs: number): void {
    const pod = this.pods.get(uid);
    if (pod === undefined || !pod.unreported || status['phase'] !== 'Running') return;
    pod.unreported = false;
    this.context.emit({
      type: 'pod-started',
      started: { uid, seenUs: pod.seenUs, sentUs, acknowledgedUs: this.context.now.us },
    });
  }

  onGone(uid: string, deletedByUs: boolean): void {
    const pod = this.pods.get(uid);
    if (pod === undefined) return;
    if (deletedByUs) this.context.emit({ type: 'pod-deleted' });
    this.drop(pod);
  }

  // ---- helpers ----

  private begin(pod: Pod, workMs: number): void {
    this.work.begin(pod.spec.uid, workMs, this.context.nowMs);
    this.arm();
  }

  private arm(): void {
    this.workGeneration++;
    const delayMs = this.work.nextEndInMs(this.context.nowMs);
    if (delayMs !== undefined) {
      this.context.after(delayMs, { of: 'runtime', generation: this.workGeneration });
    }
  }

  private containerEvent(
    pod: Pod,
    which: { init: boolean; index: number },
    reason: string,
    message: string,
  ): void {
    const { spec } = pod;
    const containers: ContainerSpec[] = which.init ? spec.initContainers : spec.containers;
    this.events.record(
      {
        kind: 'Pod',
        name: spec.name,
        namespace: spec.namespace,
        uid: spec.uid,
        resourceVersion: spec.resourceVersion,
        fieldPath: `spec.${which.init ? 'initContainers' : 'containers'}{${containers[which.index]?.name}}`,
      },
      'Normal',
      reason,
      message,
    );
  }
}

/** From a container's start to the first probe's success, beyond its initialDelaySeconds (samples: 40 ms). */
const probeMs = 40;

function exited(state: ContainerState | undefined, wallMs: number): ContainerState {
  if (state?.is === 'running') {
    return { is: 'exited', id: state.id, startedWallMs: state.startedWallMs, finishedWallMs: wallMs };
  }
  return state ?? { is: 'waiting' };
}
