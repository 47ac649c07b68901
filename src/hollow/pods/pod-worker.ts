import { type PodStartTimes, startTimesFrom } from '../../metrics/pod-start-times.ts';
import type { PodWake } from '../effects.ts';
import { Ender } from './ender.ts';
import type { PodHost } from './pod-host.ts';
import { type PodLife, eviction, isOn, newContainer, signatureOf } from './pod-life.ts';
import type { PodSpec } from './pod-record.ts';
import { type Status, computedPhase, isFinal, podStatus } from './pod-status.ts';
import { Prober } from './prober.ts';
import { type StartOutcome, Starter } from './starter.ts';
import { stopOf } from './stopping.ts';
import { type Kill, needsSandbox, planSync } from './sync-plan.ts';
import { type Stage, type Step, idle, noSteps, none } from './worker-stage.ts';

/** A sync that failed is done again after 10 s, a pod is looked at anyway every minute, each up to half as much later. */
const retryMs = 10_000;
const resyncMs = 60_000;
const lateMax = 0.5;

/** The API's answer to our status comes back to the workers through the watch and a round of the loop. */
const echoMs = 500;

/** Why a pod is brought to its end: its deletion, its containers' own end, or the kubelet's decision (`evicted`). */
export type EndCause = 'deleted' | 'completed' | 'evicted';

/**
 * One pod's worker: as a kubelet's it does one sync after the other (computes the status, then what is missing, then
 * does that step by step), whenever a container has ended, a probe has turned, time is up, or the pod was changed.
 * Source: pkg/kubelet/kubelet.go (SyncPod, SyncTerminatingPod, SyncTerminatedPod), pod_workers.go, v1.36.
 */
export class PodWorker {
  spec: PodSpec;
  readonly life: PodLife;
  /** Until the API server has acknowledged that all containers have started. */
  times: PodStartTimes | undefined;
  /** Watch events of writes of ours that are still to come; negative when they came before the answer. */
  echoes = 0;
  private readonly host: PodHost;
  private readonly prober: Prober;
  /** Only while something is started, or will end by itself: most pods just run. */
  private currentStarter: Starter | undefined;
  /** From the first stop on. */
  private currentEnder: Ender | undefined;
  private stage: Stage = idle;
  private steps: readonly Step[] = noSteps;
  private prepared = false;
  /** A sync was asked for during a sync. */
  private again = false;
  /** In the sync at hand: containers or sandbox changed; something failed, and when at the earliest it can work. */
  private touched = false;
  private failedUntilMs: number | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private runningSinceMs = Number.POSITIVE_INFINITY;
  /** Containers whose spec is another one than they run with, and those that the sync at hand has ended for a new start. */
  private changed: readonly number[] = none;
  private killed: readonly number[] = none;
  private reported = 0;

  constructor(host: PodHost, spec: PodSpec, life: PodLife) {
    this.host = host;
    this.spec = spec;
    this.life = life;
    this.times = life.phase === 'Pending' ? startTimesFrom(host.context.now.us) : undefined;
    // The pod may have been given containers while no kubelet looked.
    for (const index of spec.containers.keys()) life.containers[index] ??= newContainer();
    this.prober = new Prober(host, life);
  }

  /** Whether nothing of it is left but its object in the API. */
  get isOver(): boolean {
    return this.life.end === 'gone';
  }

  /** Whether it is on the way there. */
  get isEnding(): boolean {
    return this.stage.at === 'ending';
  }

  /** The worker's first sync. */
  start(): void {
    this.prober.begin(this.spec);
    // Containers that run on from before end when they would have.
    if (this.life.containers.some(({ run }) => run?.is === 'running')) {
      for (const index of this.life.containers.keys()) this.starter.armEnd(this.spec, index);
    }
    this.host.wakeWhenOverdue(this.spec, this.life);
    this.sync();
  }

  /** The pod's spec or metadata changed. */
  update(spec: PodSpec, generation: number): void {
    for (const [index, container] of spec.containers.entries()) {
      if (this.life.containers[index] === undefined) this.life.containers[index] = newContainer();
      else if (container.image !== this.spec.containers[index]?.image)
        this.changed = [...this.changed, index];
    }
    this.spec = spec;
    this.life.generation = generation;
    this.host.wakeWhenOverdue(spec, this.life);
    this.sync();
  }

  /** Others have written conditions, maybe those that readiness gates ask for. */
  heedGates(shut: string | undefined): void {
    if (shut === this.life.shutGates) return;
    this.life.shutGates = shut;
    const [, , , containersReady = -1] = this.life.turns;
    if (isOn(containersReady)) this.sync();
  }

  /** The API server has acknowledged a status. */
  acknowledged(status: Status): void {
    const { nowMs } = this.host.context;
    if (status['phase'] === 'Running') this.runningSinceMs = Math.min(this.runningSinceMs, nowMs);
  }

  /** The status as it would be set now, to compare it with the API server's. */
  currentStatus(): Status {
    const { node, now, wire, runtimeType } = this.host.context;
    return podStatus(this.spec, this.life, node.address, now.wallMs, wire.containers, runtimeType);
  }

  private get starter(): Starter {
    this.currentStarter ??= new Starter(this.host, this.life, this.prober, this);
    return this.currentStarter;
  }

  private get ender(): Ender {
    this.currentEnder ??= new Ender(this.host, this.life, (always) => this.report(always));
    return this.currentEnder;
  }

  // ---- what wakes it ----

  onTimer(wake: PodWake, key: number): void {
    switch (wake) {
      case 'volumes':
        if (this.stage.at === 'volumes') this.onVolumes();
        break;
      case 'sync':
        if (this.host.context.nowMs >= this.dueMs - 0.01) this.sync();
        break;
      case 'seen':
        this.sync();
        break;
      case 'pulled':
        if (this.stage.at === 'start') this.onStart(this.starter.onPulled(this.spec, key));
        break;
      case 'exit':
        if (this.starter.onEnd(this.spec, key)) this.sync();
        break;
      case 'probe':
        if (this.prober.onTimer(this.spec, key, this.isEnding)) this.sync();
        break;
      case 'stopped':
        this.ender.onTimer(this.spec, key);
        break;
      case 'cleanup':
        this.ender.onCleanup(this.spec);
        break;
    }
  }

  /** The runtime has done what it was at. */
  onWorkDone(): void {
    const { life, stage } = this;
    switch (stage.at) {
      case 'sandbox':
        if (this.host.fails(this.spec, 'sandbox')) {
          this.sandboxFailed('rpc error: code = DeadlineExceeded desc = context deadline exceeded');
          break;
        }
        life.sandboxAttempt++;
        if (this.times?.sandboxUs === 0) this.times.sandboxUs = this.host.context.now.us;
        life.sandboxReady = true;
        this.touched = true;
        this.report();
        this.plan();
        this.next();
        break;
      case 'start':
        this.onStart(this.starter.onWorkDone(this.spec));
        break;
      case 'kill':
        this.ender.stoppedOne(stage.stop, stage.sinceWallMs);
        this.killed = [...this.killed, stage.stop.index];
        this.touched = true;
        this.next();
        break;
      case 'ending':
        this.ender.onWorkDone(this.spec);
        break;
      case 'idle':
      case 'volumes':
        break;
    }
  }

  // ---- one sync ----

  private sync(): void {
    const { host, life } = this;
    if (this.isEnding) return;
    if (this.stage.at !== 'idle') {
      this.again = true;
      return;
    }
    this.dueMs = Number.POSITIVE_INFINITY;
    this.touched = false;
    this.again = false;
    this.killed = none;
    this.failedUntilMs = undefined;
    if (life.sandboxReady) life.podIp = life.address;
    this.heedEcho();
    host.heedDeadline(this.spec, life);
    this.report();
    host.lookAtVolumes(this.spec);
    if (isFinal(computedPhase(this.spec, life))) this.end('completed');
    else if (this.prepared) this.act();
    else this.awaitVolumes();
  }

  private awaitVolumes(): void {
    this.stage = { at: 'volumes' };
    this.host.wake(this.spec, this.host.context.profile.volumesPollMs, 'volumes');
  }

  private onVolumes(): void {
    const { host, life } = this;
    if (host.volumesFailed(this.spec)) {
      this.failedUntilMs = retryMs;
      this.synced();
    } else if (host.isPrepared(this.spec)) {
      this.prepared = true;
      if (life.address === '') life.address = host.takeAddress(this.spec);
      this.act();
    } else this.awaitVolumes();
  }

  private act(): void {
    const { host, life } = this;
    this.again = false;
    if (life.sandboxReady) this.plan();
    else if (!needsSandbox(this.spec, life)) {
      this.end('completed');
      return;
    } else {
      if (life.sandboxAttempt >= 0) {
        const message = 'Pod sandbox changed, it will be killed and re-created.';
        host.podEvent(this.spec, 'Normal', 'SandboxChanged', message);
      }
      this.steps = [{ do: 'sandbox' }];
    }
    this.next();
  }

  private plan(): void {
    const plan = planSync(this.spec, this.life, (index) => this.changed.includes(index));
    this.steps = [
      ...plan.kill.map((kill): Step => ({ do: 'kill', kill })),
      ...plan.start.map((index): Step => ({ do: 'start', index })),
    ];
  }

  private next(): void {
    const { host } = this;
    const [step, ...others] = this.steps;
    this.steps = others.length === 0 ? noSteps : others;
    if (step === undefined) {
      this.synced();
      return;
    }
    switch (step.do) {
      case 'sandbox': {
        const runtime = host.runtimeOf(this.spec);
        if ('error' in runtime) {
          this.sandboxFailed(runtime.error);
          break;
        }
        this.stage = { at: 'sandbox' };
        host.begin(this.spec, host.context.draw(runtime.profile.sandboxMs));
        break;
      }
      case 'kill':
        this.kill(step.kill);
        break;
      case 'start':
        this.stage = { at: 'start' };
        this.onStart(this.starter.begin(this.spec, step.index, this.killed.includes(step.index)));
        break;
    }
  }

  /** Nothing can start without a sandbox: it is tried again with a later sync. */
  private sandboxFailed(error: string): void {
    const message = `Failed to create pod sandbox: ${error}`;
    this.host.podEvent(this.spec, 'Warning', 'FailedCreatePodSandBox', message);
    this.failedUntilMs = retryMs;
    this.synced();
  }

  private kill({ index, message, graceMs }: Kill): void {
    const { host, life, spec } = this;
    const container = spec.containers[index];
    const { wallMs } = host.context.now;
    const stop = stopOf(spec, life, index, graceMs ?? spec.graceMs, 0, wallMs);
    if (container === undefined || stop === undefined) {
      this.next();
      return;
    }
    host.containerEvent(spec, container, 'Normal', 'Killing', message);
    this.changed = this.changed.filter((other) => other !== index);
    this.stage = { at: 'kill', stop, sinceWallMs: wallMs };
    this.ender.stopAfter(spec, stop.afterMs);
  }

  /** A container's start has come to an end, or goes on by itself. */
  private onStart(outcome: StartOutcome): void {
    switch (outcome.is) {
      case 'going-on':
        return;
      case 'started':
        this.touched = true;
        break;
      case 'failed': {
        const untilMs = outcome.retryInMs === undefined ? retryMs : outcome.retryInMs;
        this.failedUntilMs = Math.min(this.failedUntilMs ?? Number.POSITIVE_INFINITY, untilMs);
        // Without this init container nothing further can start.
        if (this.spec.containers[outcome.index]?.kind === 'init') this.steps = noSteps;
        break;
      }
    }
    this.next();
  }

  private synced(): void {
    const { host } = this;
    this.stage = idle;
    if (this.currentStarter?.isIdle === true) this.currentStarter = undefined;
    const late = 1 + host.context.prng.float() * lateMax;
    if (this.failedUntilMs !== undefined) {
      this.syncIn(Math.min(this.failedUntilMs, resyncMs) * late);
      if (this.touched || this.again) host.wake(this.spec, host.untilSeenMs(0), 'seen');
    } else if (this.touched || this.again) {
      this.sync();
    } else if (!this.life.seenRunning || this.spec.claims.length > 0) {
      // After that nothing of a pod that just runs would change: the resync is left out, but for the look at its claims.
      this.syncIn(resyncMs * late);
    }
  }

  private syncIn(delayMs: number): void {
    const { host } = this;
    const waitMs = host.untilTakenUpMs(delayMs);
    this.dueMs = host.context.nowMs + waitMs;
    host.wake(this.spec, waitMs, 'sync');
  }

  // ---- the end ----

  /**
   * Brings the pod to its end, whatever its worker is at. `graceMs` limits what its containers have; `message` is the
   * kubelet's reason to evict.
   */
  end(cause: EndCause, graceMs = this.spec.graceMs, message = ''): void {
    const { host, life, spec } = this;
    const wasDeleting = life.deleting;
    if (cause === 'deleted') life.deleting = true;
    if (this.isEnding) {
      // It ends already; who deletes it meanwhile has it removed from the API once it has.
      if (life.end !== 'gone') this.ender.shorten(spec, graceMs);
      else if (!wasDeleting) this.report(true);
      return;
    }
    if (cause === 'evicted') life.ended = eviction(message, host.context.now.wallMs);
    host.abandon(spec);
    this.currentStarter?.abandon();
    this.steps = noSteps;
    this.stage = { at: 'ending' };
    this.heedEcho();
    this.ender.begin(spec, graceMs);
    this.prober.ending(spec);
  }

  /** From when on the kubelet takes the pod for Running, as the API server told it. */
  private heedEcho(): void {
    if (this.host.context.nowMs - this.runningSinceMs >= echoMs) this.life.seenRunning = true;
  }

  // ---- status ----

  /** Sets the status anew, if it is another one than before. */
  private report(always = false): void {
    const signature = signatureOf(this.life);
    if (signature !== this.reported || always) {
      this.reported = signature;
      this.host.setStatus(this.spec, this.life, this.currentStatus());
    }
    this.prober.trigger(this.spec);
  }
}
