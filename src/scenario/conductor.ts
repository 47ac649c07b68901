import { setMaxListeners } from 'node:events';
import { availableParallelism } from 'node:os';
import { aborted } from '../base/aborted.ts';
import type { Clock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { thisMachine } from '../base/machine.ts';
import { tool } from '../base/package-info.ts';
import { portableArgv } from '../base/portable-argv.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ShardReport } from '../fleet/messages.ts';
import { type WireProfileName, wireProfile } from '../hollow/wire-profile.ts';
import type { ChildRegister } from '../journal/guardian.ts';
import { LoadGenerator } from '../load/generator.ts';
import { tolerationsFor } from '../load/objects.ts';
import { type Measured, Measurement } from '../measure/measurement.ts';
import { judgeRun } from '../measure/verdict.ts';
import { type Invocation, type PhaseRecord, type RunResult, resultSchemaId } from '../result/result.ts';
import type { WireFormat } from '../wire/codec.ts';
import { type RunClients, openAccess, prepareCluster } from './access.ts';
import { createdWorkload, failableNodes, progressOf } from './cluster-view.ts';
import { HollowCluster } from './hollow-cluster.ts';
import type { LoadedScenario } from './load-scenario.ts';
import { deliveryKey, measuringOptions } from './measuring.ts';
import { allTaints, nodeConfigs } from './nodes.ts';
import type { PhaseContext } from './phases/context.ts';
import { namespaceNames } from './phases/plan.ts';
import { requestsOf } from './phases/outcome.ts';
import { runPhase } from './phases/run-phase.ts';
import type { RunReporter } from './run-reporter.ts';
import { reportStatus } from './run-status.ts';
import { RunTimes } from './run-times.ts';
import { heldBackNotes, podFailureNotes, runNotes } from './notes.ts';
import { runtimeSettings } from './runtimes.ts';
import type { WatchdogLimits } from './watchdog.ts';
import { workloadKinds } from './workloads.ts';

export type RunOptions = {
  loaded: LoadedScenario;
  runId: string;
  /** What the hollow nodes speak. Load and observer have their own (docs/decisions/protobuf.md). */
  wire: WireFormat;
  /** Written into the result, so that the run can be done again. */
  invocation: Invocation;
  /** What the nodes send; absent: what real ones do. */
  profile?: WireProfileName | undefined;
  /** Makes or opens the cluster; what it throws is the outcome. */
  openCluster: () => Promise<Cluster>;
  clock: Clock;
  signal: AbortSignal;
  reporter: RunReporter;
  /** Hears of the fleet's process. */
  children?: ChildRegister | undefined;
  /** The run's folder of state; absent: windows that are over lie among the temporary files. */
  stateDir?: string | undefined;
  /** CPU time a second, in cores, that this machine lets us have; absent: all cores that we see. */
  quotaCores?: number | undefined;
  /** Of the watchdog over the API server; tests shorten them. */
  watchdogLimits?: Partial<WatchdogLimits> | undefined;
};

/** How long the end of a run that was interrupted or lost may wait for answers of its cluster. */
const endLimitMs = 10_000;

/**
 * What came of a run. With `error`, the run was cut short by it and `result` says how far it came. With `leftover`, not
 * all that it made could be taken away from a cluster of others.
 */
export type RunOutcome = { result: RunResult; error?: unknown; leftover?: unknown };

/**
 * Runs a scenario from nothing to a result: control plane, nodes, phases, measuring, and everything down again.
 * @throws HollowmarkError when it does not come as far as measuring; nothing is left behind.
 */
export async function conductRun(options: RunOptions): Promise<RunOutcome> {
  const run = new Run(options);
  try {
    await run.bringUp();
    await run.phases();
  } catch (error) {
    await run.fail(error);
  }
  return await run.finish();
}

/** One run: what it holds open, and what is known of it so far. */
class Run {
  private readonly options: RunOptions;
  private readonly times: RunTimes;
  private readonly records: PhaseRecord[] = [];
  private readonly failures: RunResult['failures'] = [];
  private readonly achieved: { phase: string; ratio: number }[] = [];
  private cluster: Cluster | undefined;
  private hollow: HollowCluster | undefined;
  private readonly opening = new AbortController();
  private access: Promise<RunClients> | undefined;
  private clients: RunClients | undefined;
  private measurement: Measurement | undefined;
  private load: LoadGenerator | undefined;
  private nodeNames: readonly string[] = [];
  private error: unknown;

  constructor(options: RunOptions) {
    this.options = options;
    this.times = new RunTimes(options.clock);
  }

  /** Control plane, identities, observer, nodes: everything up to the first phase. */
  async bringUp(): Promise<void> {
    const { loaded, runId, clock, signal, reporter } = this.options;
    const { scenario } = loaded;
    const notes = podFailureNotes(scenario, wireProfile(this.options.profile));
    for (const warning of [...loaded.warnings, ...notes]) reporter.warn(warning);
    const cluster = await this.options.openCluster();
    this.cluster = cluster;
    const hollow = new HollowCluster({
      cluster,
      children: this.options.children,
      clock,
      signal,
      reporter,
      watchdogLimits: this.options.watchdogLimits,
      onReport: (report) => this.onShardReport(report),
    });
    this.hollow = hollow;
    const nodes = nodeConfigs(scenario, cluster.version, runId, cluster.foreign !== undefined);
    this.nodeNames = nodes.map(({ name }) => name);
    await Promise.race([
      this.openMeasurement(cluster).then(() => prepareCluster(cluster, scenario, runId, clock)),
      hollow.died,
      aborted(signal),
    ]);
    hollow.startNodes({
      nodes,
      runtimes: runtimeSettings(scenario),
      proxies: scenario.nodes.proxies,
      wire: this.options.wire,
      profile: this.options.profile,
      seed: scenario.seed,
      deliveryService: deliveryKey(runId),
    });
    await hollow.nodesReady();
    await hollow.proxiesReady();
  }

  /** Runs the scenario's phases in order; one that does not complete ends the run. */
  async phases(): Promise<void> {
    const { loaded, signal, reporter } = this.options;
    const { scenario } = loaded;
    const status = reportStatus({
      scenario,
      clock: this.options.clock,
      reporter,
      records: this.records,
      measurement: this.needed(this.measurement),
      atMs: () => this.times.atMs(),
    });
    // What a phase still sends or waits for ends with it, also when the cluster died under it.
    const over = new AbortController();
    const phaseSignal = AbortSignal.any([signal, over.signal]);
    // As many listen as there are requests to be repeated.
    setMaxListeners(0, phaseSignal);
    try {
      for (const phase of scenario.phases) {
        reporter.step(`Phase ${this.records.length + 1} of ${scenario.phases.length}: ${phase.name}`);
        const startedAtMs = this.times.atMs();
        this.measurement?.phase(phase.name);
        this.load?.beginPhase();
        const record: PhaseRecord = {
          name: phase.name,
          type: phase.type,
          startedAtMs,
          finishedAtMs: startedAtMs,
          outcome: 'failed',
          message: 'the run was cut short',
        };
        this.records.push(record);
        try {
          const outcome = await Promise.race([
            runPhase(phase, {
              ...this.phaseContext(),
              scenario,
              signal: phaseSignal,
              reporter,
            }),
            this.needed(this.hollow).died,
          ]);
          record.outcome = outcome.outcome;
          if (outcome.message === undefined) delete record.message;
          else record.message = outcome.message;
          if (outcome.sent !== undefined) {
            this.measurement?.sent(phase.name, outcome.sent.startUs);
            this.achieved.push({ phase: phase.name, ratio: outcome.sent.keptUpRatio });
            for (const failure of outcome.sent.failures) this.failed(failure.what, failure.message);
          }
        } finally {
          record.finishedAtMs = this.times.atMs();
          const sent = this.load?.sentSoFar();
          if (sent !== undefined) record.requests = requestsOf(sent);
        }
        signal.throwIfAborted();
        if (record.outcome !== 'completed') {
          this.failed(phase.name, record.message ?? record.outcome);
          break;
        }
      }
    } finally {
      over.abort();
      status.stop();
    }
  }

  /** Notes why the run ended early; an error before anything was measured goes on to the caller. */
  async fail(error: unknown): Promise<void> {
    this.error = error;
    if (this.measurement === undefined || this.hollow?.fleet === undefined) {
      this.warnOf(await this.close());
      throw error;
    }
    if (!this.options.signal.aborted) this.failed('run', errorMessage(error));
  }

  /** Ends measuring, takes everything down, and puts the result together. */
  async finish(): Promise<RunOutcome> {
    const { reporter } = this.options;
    const cluster = this.needed(this.cluster);
    reporter.step('Collecting results');
    // Without connections, requests fail at once: what a dead cluster would have answered is missing in the result.
    const giveUp = (): void => {
      this.clients?.close();
      this.measurement?.giveUp();
    };
    this.needed(this.hollow).died.catch(giveUp);
    const limit = this.error === undefined ? undefined : this.options.clock.timer(endLimitMs, giveUp);
    let measured: Measured;
    let leftover: unknown;
    try {
      await this.hollow?.fleet?.flush();
      const cutShort = this.error !== undefined;
      measured = await this.needed(this.measurement).finish({ achieved: this.achieved, cutShort });
    } catch (error) {
      throw this.error ?? error;
    } finally {
      limit?.cancel();
      reporter.step(
        cluster.foreign === undefined ? 'Stopping the cluster' : 'Removing the run from the cluster',
      );
      leftover = await this.close();
      if (cluster.foreign === undefined) this.warnOf(leftover);
    }
    if (leftover !== undefined) this.failed('cleaning up', errorMessage(leftover));
    const result = this.result(measured, cluster);
    return {
      result,
      ...(this.error === undefined ? {} : { error: this.error }),
      ...(leftover !== undefined && cluster.foreign !== undefined ? { leftover } : {}),
    };
  }

  private onShardReport(report: ShardReport): void {
    this.measurement?.recordNodeSide(report.startedUids, report.startedTimesUs);
    if (report.statistics === undefined) return;
    this.measurement?.recordShard(report.statistics);
    const { errorCount, errors } = report.statistics;
    if (errorCount > 0) this.failed('hollow nodes', `${errorCount} errors, first: ${errors[0] ?? ''}`);
  }

  private async openMeasurement(cluster: Cluster): Promise<void> {
    const { loaded, runId, clock } = this.options;
    const { scenario } = loaded;
    this.access = openAccess(cluster, runId, workloadKinds(scenario), clock, this.opening.signal);
    const clients = await this.access;
    this.clients = clients;
    this.load = new LoadGenerator({
      client: clients.load,
      clock,
      context: {
        runId,
        tolerations: tolerationsFor(allTaints(scenario)),
        confined: cluster.foreign !== undefined,
      },
      namespaces: namespaceNames(scenario),
      onPodCreated: (pod) => this.measurement?.onCreated(pod),
      onWorkloadCreated: (plan, intendedUs) =>
        this.measurement?.onWorkloadCreated(createdWorkload(plan, intendedUs)),
    });
    const load = this.load;
    this.measurement = new Measurement({
      ...measuringOptions(scenario, runId, clients),
      clock,
      sends: load,
      loadCounters: () => load.counters(),
      harnessPids: () => ({ harness: process.pid, fleet: this.hollow?.fleet?.pid ?? 0 }),
      controlPlanePids: () => cluster.pids(),
      cpuCount: Math.min(availableParallelism(), this.options.quotaCores ?? Number.POSITIVE_INFINITY),
      stateDir: this.options.stateDir,
    });
    const { measurement, records, failures } = this;
    this.options.reporter.measuring?.({ cluster, measurement, records, failures });
    await this.measurement.start();
    this.times.measuring();
    this.measurement.phase('bring-up');
  }

  private phaseContext(): Omit<PhaseContext, 'scenario' | 'signal' | 'reporter'> {
    const { runId, clock } = this.options;
    const fleet = this.needed(this.hollow?.fleet);
    return {
      runId,
      nodes: failableNodes(this.nodeNames, fleet, this.needed(this.clients).scraper, runId),
      load: this.needed(this.load),
      clock,
      progress: progressOf(this.needed(this.measurement)),
    };
  }

  private result(measured: Measured, cluster: Cluster): RunResult {
    const { loaded, runId, signal } = this.options;
    const { scenario } = loaded;
    const { pods, nodes, notes, ...parts } = measured;
    const wire = wireProfile(this.options.profile);
    const verdict = judgeRun({
      ...measured,
      phases: this.records,
      interrupted: signal.aborted,
      statelessPods: this.needed(this.measurement).statelessPods,
      thresholds: scenario.thresholds,
      goodMinutesMin: scenario.windows.goodMinutesMin,
    });
    return {
      schema: resultSchemaId,
      run: {
        id: runId,
        scenario: scenario.name,
        seed: scenario.seed,
        ...this.times.ofDay(),
        parameters: loaded.document,
        invocation: { ...this.options.invocation, ...cluster.foreign },
        phases: this.records,
      },
      tool: { ...tool, node: process.version },
      machine: thisMachine(),
      cluster: {
        version: cluster.version,
        source: cluster.source,
        profile: cluster.profile,
        flags: Object.fromEntries(
          Object.entries(cluster.argv).map(([name, argv]) => [name, portableArgv(argv)]),
        ),
      },
      wire: {
        profile: wire.name,
        identity: cluster.identityMode,
        codec: this.options.wire,
        ...(wire.comparable ? {} : { comparable: false }),
      },
      nodes: { requested: scenario.nodes.count, ...nodes },
      pods,
      ...parts,
      notes: runNotes(scenario, wire, cluster, [...heldBackNotes(this.records), ...notes]),
      failures: this.failures,
      ...(this.error === undefined || signal.aborted
        ? verdict
        : {
            verdict: 'inconclusive' as const,
            summary: `The run was cut short: ${errorMessage(this.error)}`,
          }),
    };
  }

  private failed(where: string, message: string): void {
    // A broken cluster fails in a thousand places: the first ones tell why.
    if (this.failures.length < 50) this.failures.push({ atMs: this.times.atMs(), where, message });
  }

  /** Takes everything down. @returns what went wrong with that: it must hide neither a result nor a cause. */
  private async close(): Promise<unknown> {
    this.measurement?.stop();
    // What is still being granted would be made behind the back of those who take it away.
    this.opening.abort(new HollowmarkError('interrupted', 'the run ends'));
    await this.access?.then(
      (clients) => clients.close(),
      () => {},
    );
    try {
      await (this.hollow ?? this.cluster)?.stop();
      return undefined;
    } catch (error) {
      return error;
    }
  }

  private warnOf(error: unknown): void {
    if (error !== undefined) this.options.reporter.warn(`cleaning up: ${errorMessage(error)}`);
  }

  private needed<T>(part: T | undefined): T {
    if (part === undefined) throw new HollowmarkError('internal', 'the run has not been brought up');
    return part;
  }
}
