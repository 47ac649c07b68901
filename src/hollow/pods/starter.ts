import type { PodStartTimes } from '../../metrics/pod-start-times.ts';
import { formatBackOff, inBackOff, nextBackOff } from './back-off.ts';
import type { PodHost } from './pod-host.ts';
import { type Container, type PodLife, type Run, exitOf, plannedEnd } from './pod-life.ts';
import type { ContainerSpec, PodSpec } from './pod-record.ts';
import type { Prober } from './prober.ts';

/** What has come of a container's start so far. `retryInMs`: when a back-off is over; absent: not known. */
export type StartOutcome =
  | { is: 'going-on' }
  | { is: 'started' }
  | { is: 'failed'; index: number; retryInMs?: number };

/** Whose start it is; the times are there until the start has been acknowledged. */
type Timed = { readonly times: PodStartTimes | undefined };

type Current = { index: number; at: 'pull' | 'create' | 'start'; key: string };

/** Reason and message of a container that the runtime could not create, or not start. */
const failures = {
  create: ['CreateContainerError', 'context deadline exceeded'],
  start: [
    'RunContainerError',
    'failed to create containerd task: failed to create shim task: context deadline exceeded',
  ],
} as const;

const goingOn: StartOutcome = { is: 'going-on' };

/** A timer's key names container and attempt. */
const containersMax = 1024;

/**
 * Starts the containers of one pod, one at a time: back-off, image, create, start.
 * Source: pkg/kubelet/kuberuntime/kuberuntime_container.go (startContainer), images/image_manager.go, v1.36.
 */
export class Starter {
  private readonly host: PodHost;
  private readonly life: PodLife;
  private readonly prober: Prober;
  private readonly pod: Timed;
  private current: Current | undefined;
  private pulls = 0;
  /** When the image of {@link current} was asked for. */
  private askedUs = 0;
  /** When, by container, the next timer of its end is due. */
  private endDueMs: Map<number, number> | undefined;

  constructor(host: PodHost, life: PodLife, prober: Prober, pod: Timed) {
    this.host = host;
    this.life = life;
    this.prober = prober;
    this.pod = pod;
  }

  /** `killed`: the kubelet has just ended it to start it anew; back-off counts from its end before that. */
  begin(spec: PodSpec, index: number, killed: boolean): StartOutcome {
    const container = this.life.containers[index];
    const containerSpec = spec.containers[index];
    if (container === undefined || containerSpec === undefined) return { is: 'started' };
    const { wallMs } = this.host.context.now;
    const exited = container.run?.is === 'exited' ? container.run : undefined;
    const exit = killed ? container.previous : exited;
    if (exit !== undefined) {
      const { crashes } = container;
      if (inBackOff(crashes, exit.finishedWallMs, wallMs)) {
        const { name } = containerSpec;
        const pod = `${spec.name}_${spec.namespace}(${spec.uid})`;
        this.event(
          spec,
          index,
          'Warning',
          'BackOff',
          `Back-off restarting failed container ${name} in pod ${pod}`,
        );
        container.failure = {
          reason: 'CrashLoopBackOff',
          message: `back-off ${formatBackOff(crashes)} restarting failed container=${name} pod=${pod}`,
        };
        return {
          is: 'failed',
          index,
          retryInMs: Math.max(0, exit.finishedWallMs + crashes.delayMs - wallMs),
        };
      }
      container.crashes = nextBackOff(crashes, exit.finishedWallMs, wallMs);
    }
    return this.image(spec, index, containerSpec, container);
  }

  /** Whether it has nothing to do, and waits for no container's end. */
  get isIdle(): boolean {
    return this.current === undefined && (this.endDueMs === undefined || this.endDueMs.size === 0);
  }

  /** Whatever is being started is not any more. */
  abandon(): void {
    this.current = undefined;
  }

  /** `key` tells the pull that has had its time from earlier ones. */
  onPulled(spec: PodSpec, key: number): StartOutcome {
    const { host, current } = this;
    if (current?.at !== 'pull' || key !== this.pulls) return goingOn;
    const { index } = current;
    const container = this.life.containers[index] as Container;
    const { image } = spec.containers[index] as ContainerSpec;
    const pulled = host.images.finished(current.key, host.context.nowMs);
    if ('endsInMs' in pulled) {
      host.wake(spec, pulled.endsInMs, 'pulled', key);
      return goingOn;
    }
    const times = this.timesOfFirst(index);
    if (times !== undefined) times.pullUs += host.context.now.us - this.askedUs;
    if ('error' in pulled) {
      this.event(spec, index, 'Warning', 'Failed', `Failed to pull image "${image}": ${pulled.message}`);
      const { wallMs } = host.context.now;
      const backOff = nextBackOff(container.pulls, wallMs, wallMs);
      container.pulls = { ...backOff, error: `${pulled.error}: ${pulled.message}` };
      return this.fail(spec, index, pulled.error, pulled.message);
    }
    const took = formatSeconds(pulled.tookMs);
    const waited = formatSeconds(pulled.tookMs + pulled.waitedMs);
    const message = `Successfully pulled image "${image}" in ${took} (${waited} including waiting). Image size: ${pulled.pulledBytes} bytes.`;
    this.event(spec, index, 'Normal', 'Pulled', message);
    delete container.pulls;
    return this.create(spec, index);
  }

  onWorkDone(spec: PodSpec): StartOutcome {
    const { host, current } = this;
    if (current === undefined) return goingOn;
    const { index } = current;
    if (current.at === 'pull') return goingOn;
    if (host.fails(spec, current.at)) {
      const [reason, message] = failures[current.at];
      return this.fail(spec, index, reason, message, message);
    }
    if (current.at === 'create') {
      this.event(spec, index, 'Normal', 'Created', 'Container created');
      current.at = 'start';
      host.begin(spec, host.context.draw(host.profileOf(spec).startMs));
      return goingOn;
    }
    this.event(spec, index, 'Normal', 'Started', 'Container started');
    this.current = undefined;
    this.run(spec, index);
    return { is: 'started' };
  }

  /** If the container will end by itself, wakes the worker when the kubelet sees that. */
  armEnd(spec: PodSpec, index: number): void {
    const run = this.life.containers[index]?.run;
    if (run?.is !== 'running' || run.end === undefined) return;
    const leftMs = Math.max(0, run.startedWallMs + run.end.afterMs - this.host.context.now.wallMs);
    const waitMs = this.host.untilSeenMs(leftMs);
    const dueMs = this.host.context.nowMs + waitMs;
    // That of an earlier run is set anew when it is due.
    if ((this.endDueMs?.get(index) ?? Number.POSITIVE_INFINITY) < dueMs) return;
    this.endDueMs ??= new Map();
    this.endDueMs.set(index, dueMs);
    this.host.wake(spec, waitMs, 'exit', run.attempt * containersMax + index);
  }

  /** Its time is up: returns whether the container has ended by that. */
  onEnd(spec: PodSpec, key: number): boolean {
    const index = key % containersMax;
    this.endDueMs?.delete(index);
    const container = this.life.containers[index];
    const run = container?.run;
    if (container === undefined || run?.is !== 'running' || run.end === undefined) return false;
    if (run.attempt !== Math.floor(key / containersMax)) {
      this.armEnd(spec, index);
      return false;
    }
    const { afterMs, exitCode, reason } = run.end;
    container.run = exitOf(run, run.startedWallMs + afterMs, exitCode, reason);
    container.started = false;
    container.ready = false;
    return true;
  }

  private image(
    spec: PodSpec,
    index: number,
    { image, pullPolicy }: ContainerSpec,
    container: Container,
  ): StartOutcome {
    const { host } = this;
    const { wallMs } = host.context.now;
    if (container.pulls !== undefined && inBackOff(container.pulls, container.pulls.updatedMs, wallMs)) {
      const message = `Back-off pulling image "${image}"`;
      this.event(spec, index, 'Normal', 'BackOff', message);
      return this.fail(spec, index, 'ImagePullBackOff', `${message}: ${container.pulls.error}`);
    }
    const answer = host.images.ask(image, pullPolicy, host.context.nowMs);
    switch (answer.is) {
      case 'present': {
        const message = `Container image "${image}" already present on machine and can be accessed by the pod`;
        this.event(spec, index, 'Normal', 'Pulled', message);
        return this.create(spec, index);
      }
      case 'pulling':
        this.event(spec, index, 'Normal', 'Pulling', `Pulling image "${image}"`);
        this.current = { index, at: 'pull', key: answer.key };
        this.askedUs = host.context.now.us;
        host.wake(spec, answer.endsInMs, 'pulled', ++this.pulls);
        return goingOn;
      case 'absent':
        this.event(spec, index, 'Warning', answer.reason, answer.message);
        return this.fail(spec, index, answer.reason, answer.message);
    }
  }

  private create(spec: PodSpec, index: number): StartOutcome {
    const { host } = this;
    const times = this.timesOfFirst(index);
    if (times !== undefined) times.pulledUs = host.context.now.us;
    this.current = { index, at: 'create', key: '' };
    host.begin(spec, host.context.draw(host.profileOf(spec).createMs));
    return goingOn;
  }

  /** `error` is what the event tells, if not the reason. */
  private fail(spec: PodSpec, index: number, reason: string, message: string, error = reason): StartOutcome {
    this.current = undefined;
    this.event(spec, index, 'Warning', 'Failed', `Error: ${error}`);
    const container = this.life.containers[index];
    if (container !== undefined) container.failure = { reason, message };
    return { is: 'failed', index };
  }

  private run(spec: PodSpec, index: number): void {
    const { host, life } = this;
    const container = life.containers[index] as Container;
    const containerSpec = spec.containers[index] as ContainerSpec;
    const times = this.timesOfFirst(index);
    if (times !== undefined) times.containersUs = host.context.now.us;
    const before = container.run;
    if (before?.is === 'exited') {
      const { is: _, ...exit } = before;
      container.previous = exit;
    }
    const run: Run = {
      is: 'running',
      attempt: before === undefined ? 0 : before.attempt + 1,
      sandbox: life.sandboxAttempt,
      startedWallMs: host.context.now.wallMs,
    };
    const profile = host.profileOf(spec);
    const initRunMs =
      containerSpec.kind === 'init' ? host.context.draw(profile.initContainerRunMs) : undefined;
    const end = plannedEnd(containerSpec, initRunMs, profile.oomKills);
    if (end !== undefined) run.end = end;
    container.run = run;
    delete container.failure;
    this.prober.started(spec, index);
    this.armEnd(spec, index);
  }

  /** Where to note what happens to a container that has not run yet: a pod has started when all have run once. */
  private timesOfFirst(index: number): PodStartTimes | undefined {
    return this.life.containers[index]?.run === undefined ? this.pod.times : undefined;
  }

  private event(
    spec: PodSpec,
    index: number,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    this.host.containerEvent(spec, spec.containers[index] as ContainerSpec, type, reason, message);
  }
}

/** As Go prints a duration that was cut to milliseconds: `1.234s`, `85ms`, `1m2.5s`. */
function formatSeconds(ms: number): string {
  const whole = Math.trunc(ms);
  if (whole < 1000) return `${whole}ms`;
  if (whole < 60_000) return `${whole / 1000}s`;
  return `${Math.floor(whole / 60_000)}m${(whole % 60_000) / 1000}s`;
}
