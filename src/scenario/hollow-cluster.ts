import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { Reporter } from '../base/reporter.ts';
import type { ControlPlane, ControlPlaneOptions } from '../control-plane/control-plane.ts';
import { startControlPlane } from '../control-plane/start.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { ShardReport } from '../fleet/messages.ts';
import type { NodeConfig } from '../hollow/context.ts';
import { isStopped } from '../journal/process-identity.ts';
import { ApiClient } from '../kube/client.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import { certificateIdentity } from '../kube/identity.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { type Diagnosis, Watchdog, type WatchdogLimits } from './watchdog.ts';

/** A node takes under a second; what is slow is the API server under thousands of them. */
const readyTimeoutMsMin = 60_000;
const readyTimeoutMsPerNode = 60;

/**
 * How much lower than load generator and observer the control plane is scheduled. On two cores it takes all the CPU
 * there is, and who measures it must not wait behind it; see docs/decisions.
 */
const controlPlaneNiceness = 3;

/** Looks at the fleet's totals this often while it waits. */
const pollMs = 50;

export type HollowClusterOptions = {
  controlPlane: ControlPlaneOptions;
  /** Made once the version of the control plane is known, for nodeInfo. */
  nodes: (version: string) => NodeConfig[];
  proxies: boolean;
  seed: string;
  clock: Clock;
  signal: AbortSignal;
  reporter: Reporter;
  /** Called when the control plane is ready, before the first node starts. */
  onControlPlane?: (controlPlane: ControlPlane) => Promise<void>;
  onReport?: (report: ShardReport) => void;
  /** Of the watchdog; tests shorten them. */
  watchdogLimits?: Partial<WatchdogLimits> | undefined;
};

/** A real control plane with hollow nodes: what `run` measures and `up` leaves running. */
export class HollowCluster {
  readonly controlPlane: ControlPlane;
  readonly fleet: Fleet;
  readonly nodeCount: number;
  private readonly options: HollowClusterOptions;
  private readonly watchdog: Watchdog;

  private constructor(
    options: HollowClusterOptions,
    controlPlane: ControlPlane,
    watchdog: Watchdog,
    fleet: Fleet,
    nodeCount: number,
  ) {
    this.options = options;
    this.controlPlane = controlPlane;
    this.watchdog = watchdog;
    this.fleet = fleet;
    this.nodeCount = nodeCount;
  }

  /**
   * Starts the control plane, then the nodes (which are on their way to Ready when this resolves).
   * @throws HollowmarkError as `startControlPlane` does; nothing is left behind.
   */
  static async start(options: HollowClusterOptions): Promise<HollowCluster> {
    const controlPlane = await startControlPlane({ ...options.controlPlane, niceness: controlPlaneNiceness });
    const watchdog = new Watchdog({
      client: healthClient(controlPlane, options.clock),
      clock: options.clock,
      reporter: options.reporter,
      diagnose: () => stoppedComponents(controlPlane),
      limits: options.watchdogLimits,
    });
    try {
      await Promise.race([
        options.onControlPlane?.(controlPlane),
        controlPlane.died,
        watchdog.died,
        aborted(options.signal),
      ]);
      options.signal.throwIfAborted();
      const nodes = options.nodes(controlPlane.version);
      options.reporter.step(`Starting ${nodes.length} hollow nodes`);
      const fleet = new Fleet({
        nodes,
        proxies: options.proxies,
        seed: options.seed,
        endpoint: controlPlane.endpoint,
        authority: controlPlane.clientAuthority,
        clock: options.clock,
        onReport: options.onReport ?? (() => {}),
      });
      options.controlPlane.children?.add('fleet', fleet.pid);
      return new HollowCluster(options, controlPlane, watchdog, fleet, nodes.length);
    } catch (error) {
      watchdog.stop();
      await controlPlane.stop();
      throw error;
    }
  }

  /** Rejects when a component, a shard or the fleet's process dies, or the API server hangs; never resolves. */
  get died(): Promise<never> {
    return Promise.race([this.controlPlane.died, this.fleet.died, this.watchdog.died]);
  }

  /**
   * Resolves when every node has been Ready.
   * @throws HollowmarkError `cluster-unavailable` when they are not in time, or what {@link died} rejects with.
   */
  nodesReady(): Promise<void> {
    return this.until('nodes Ready', () => this.fleet.totals().nodesReady);
  }

  /** Resolves when every proxy has listed its watches: before that the cluster is not in its steady state. */
  proxiesReady(): Promise<void> {
    if (!this.options.proxies) return Promise.resolve();
    return this.until('proxies watching', () => this.fleet.totals().proxiesReady);
  }

  private async until(what: string, count: () => number): Promise<void> {
    const { clock, signal, reporter } = this.options;
    const timeoutMs = readyTimeoutMsMin + readyTimeoutMsPerNode * this.nodeCount;
    const deadlineUs = clock.nowUs() + timeoutMs * 1000;
    const waiting = new AbortController();
    const poll = async (): Promise<void> => {
      for (;;) {
        const done = count();
        reporter.progress(`${done} of ${this.nodeCount} ${what}`, done / this.nodeCount);
        if (done >= this.nodeCount) return;
        if (clock.nowUs() > deadlineUs) {
          throw new HollowmarkError(
            'cluster-unavailable',
            `${done} of ${this.nodeCount} ${what} after ${timeoutMs / 1000} s`,
            { hint: 'use fewer nodes (--nodes) on this machine, or look at its load' },
          );
        }
        await sleep(clock, pollMs, AbortSignal.any([signal, waiting.signal]));
      }
    };
    try {
      await Promise.race([poll(), this.died]);
    } finally {
      waiting.abort(new Error('no longer waiting'));
    }
  }

  /** Ends nodes, then control plane. Safe to call twice. */
  async stop(): Promise<void> {
    this.watchdog.stop();
    try {
      await this.fleet.stop();
      this.options.controlPlane.children?.remove(this.fleet.pid);
    } finally {
      await this.controlPlane.stop();
    }
  }
}

/** A client for health probes: of `system:masters`, whom priority and fairness exempt. */
function healthClient(controlPlane: ControlPlane, clock: Clock): ApiClient {
  return new ApiClient({
    endpoint: controlPlane.endpoint,
    identity: certificateIdentity(controlPlane.endpoint, controlPlane.admin),
    codec: jsonCodec,
    userAgent: `hollowmark-watchdog/${tool.version}`,
    clock,
    prng: new Prng('watchdog'),
    metrics: new CallMetrics(),
    handshakes: new HandshakeGate(1),
    transportsMax: 1,
  });
}

/** A process that a signal has stopped (SIGSTOP, a debugger) keeps its connections open and says nothing. */
function stoppedComponents(controlPlane: ControlPlane): Diagnosis | undefined {
  const stopped = Object.entries(controlPlane.pids()).filter(([, pid]) => isStopped(pid));
  if (stopped.length === 0) return undefined;
  const names = stopped.map(([name, pid]) => `${name} (pid ${pid})`).join(', ');
  return {
    reason: `stopped by a signal: ${names}`,
    remedy: `kill -CONT ${stopped.map(([, pid]) => pid).join(' ')}`,
  };
}

/** Rejects with the signal's reason when it aborts; never resolves. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
