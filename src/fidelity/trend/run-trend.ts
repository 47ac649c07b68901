import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import type { ControlPlane } from '../../control-plane/control-plane.ts';
import { startControlPlane } from '../../control-plane/start.ts';
import { auditFlags } from '../audit.ts';
import { nodeLoss } from '../node-loss.ts';
import type { Reference } from '../references.ts';
import { adminClient } from '../run-side.ts';
import type { NodesRunOptions } from '../side.ts';
import { namespaceObject } from '../work/objects.ts';
import { WorkClient } from '../work/work-client.ts';
import { type Call, callPolicy, readCalls } from './calls.ts';
import { DelayingProxy } from './delaying-proxy.ts';
import { type DensityPlan, type DensityRound, densityRound, trendWork } from './density.ts';
import { type Measures, measuresOf } from './measures.ts';
import { PodWatch } from './pod-watch.ts';
import { SlowDown } from './slow-down.ts';
import { type Condition, type Step, conditionName } from './step.ts';

/** What one control plane with one kind of nodes has shown under each condition. */
export type TrendRun = {
  kind: Reference;
  version: string;
  /** Each once, whatever number of rounds it had. */
  conditions: { name: string; how: string; measures: Measures }[];
};

export type RunTrendOptions = NodesRunOptions & {
  plan: DensityPlan;
  /** What each round is done under, in their order. */
  rounds: readonly Condition[];
};

/** What nodes do once after they have become Ready is over by then, and what a round leaves to be done. */
const settleMs = 2_000;

/** The first list of pods that there are none of. */
const watchLimitMs = 10_000;

/** Unmeasured, so that the first condition finds all as the others do. */
const warmUpPodsPerNode = 2;

/**
 * Starts a control plane and one kind of nodes, does the same work under each condition, and takes all away again.
 * @throws HollowmarkError `cluster-unavailable` when control plane, nodes or pods do not start, `interrupted`.
 */
export async function runTrend(options: RunTrendOptions): Promise<TrendRun> {
  const { stateDir, binaries, children, clock, reporter, signal } = options;
  await mkdir(stateDir, { mode: 0o700, recursive: true });
  const auditLog = join(stateDir, 'audit.log');
  const policy = join(stateDir, 'audit-policy.yaml');
  await writeFile(policy, callPolicy);
  // It stands there without a delay too: what it costs by itself is no part of a move.
  const needsProxy = needs(options.rounds, 'etcd');
  let proxy: DelayingProxy | undefined;
  const etcdVia = async (etcdPort: number): Promise<number> => {
    await proxy?.stop();
    proxy = await DelayingProxy.start(etcdPort, clock);
    return proxy.port;
  };
  try {
    const controlPlane = await startControlPlane({
      ...binaries,
      profile: 'scale',
      extraFlags: { 'kube-apiserver': auditFlags(policy, auditLog) },
      ...(needsProxy ? { etcdVia } : {}),
      stateDir: join(stateDir, 'control-plane'),
      children,
      reporter,
      signal,
      clock,
    });
    const slowDown = new SlowDown({ pid: controlPlane.pids()['kube-apiserver'], proxy, clock, reporter });
    let rounds: DoneRound[];
    try {
      rounds = await onControlPlane(options, controlPlane, slowDown);
    } finally {
      await controlPlane.stop();
      await slowDown.remove();
    }
    // Its log is whole only when the API server has ended.
    const calls = await readCalls(auditLog);
    return { kind: options.kind, version: controlPlane.version, conditions: byCondition(rounds, calls) };
  } catch (error) {
    if (error instanceof HollowmarkError || !signal.aborted) throw error;
    throw new HollowmarkError('interrupted', 'interrupted', { cause: error });
  } finally {
    await proxy?.stop();
  }
}

type DoneRound = { name: string; how: string; round: DensityRound };

async function onControlPlane(
  options: RunTrendOptions,
  controlPlane: ControlPlane,
  slowDown: SlowDown,
): Promise<DoneRound[]> {
  const { clock, plan, children, reporter, proxies, stateDir, kind } = options;
  // A component or a node that dies ends the work, which else would wait for it.
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const { onLost, lost } = nodeLoss();
  const admin = adminClient(controlPlane, clock);
  const watcher = adminClient(controlPlane, clock);
  const watch = new PodWatch(watcher, trendWork, (text) => reporter.warn(text));
  const side = options.makeSide({
    endpoint: controlPlane.endpoint,
    admin,
    authority: controlPlane.clientAuthority,
    version: controlPlane.version,
    nodeNames: plan.nodeNames,
    proxies,
    stateDir: join(stateDir, 'nodes'),
    children,
    onLost,
    reporter,
    signal,
  });
  const work = async (): Promise<DoneRound[]> => {
    const client = new WorkClient(admin, signal);
    await makeNamespaces(client, plan.namespaces);
    await side.start();
    const readied = await client.until(() => Promise.resolve(watch.synced), watchLimitMs);
    if (!readied) throw new HollowmarkError('cluster-unavailable', 'the watch of pods does not begin');
    reporter.step(`Giving the work to ${kind} nodes`);
    return allRounds(options, { client, watch, slowDown, signal });
  };
  try {
    return await Promise.race([work(), controlPlane.died, lost]);
  } finally {
    ended.abort(new HollowmarkError('cluster-unavailable', 'the control plane is being stopped'));
    watch.stop();
    await side.stop();
    admin.close();
    watcher.close();
    // A process that is stopped by signals would not hear that it shall end.
    await slowDown.end();
  }
}

async function allRounds(
  { clock, plan, reporter, rounds }: RunTrendOptions,
  parts: { client: WorkClient; watch: PodWatch; slowDown: SlowDown; signal: AbortSignal },
): Promise<DoneRound[]> {
  const { client, watch, slowDown, signal } = parts;
  const round = (name: string, podsPerNode: number): Promise<DensityRound> =>
    densityRound({ plan: { ...plan, podsPerNode }, client, watch, clock, signal, name });
  if (needs(rounds, 'cpu')) await slowDown.prepareCpu();
  await sleep(clock, settleMs, signal);
  await round('warm-up', Math.min(warmUpPodsPerNode, plan.podsPerNode));
  const done: DoneRound[] = [];
  for (const [index, condition] of rounds.entries()) {
    const name = conditionName(condition);
    reporter.progress(condition === 'none' ? 'not slowed' : name, index / rounds.length);
    await sleep(clock, settleMs, signal);
    const how = condition === 'none' ? '' : await slowDown.begin(condition);
    done.push({ name, how, round: await round(`round-${index + 1}`, plan.podsPerNode) });
    await slowDown.end();
  }
  return done;
}

function needs(rounds: readonly Condition[], type: Step['type']): boolean {
  return rounds.some((condition) => condition !== 'none' && condition.type === type);
}

function byCondition(rounds: readonly DoneRound[], calls: readonly Call[]): TrendRun['conditions'] {
  return [...new Set(rounds.map(({ name }) => name))].map((name) => {
    const same = rounds.filter((done) => done.name === name);
    const measures = measuresOf(
      same.map(({ round }) => round),
      calls,
    );
    return { name, how: same[0]?.how ?? '', measures };
  });
}

/** Namespaces with all that pods need: without it, their creation would be refused. */
async function makeNamespaces(client: WorkClient, names: readonly string[]): Promise<void> {
  for (const name of names) await client.create(namespaceObject(name));
  const paths = names.flatMap((name) =>
    ['serviceaccounts/default', 'configmaps/kube-root-ca.crt'].map(
      (object) => `/api/v1/namespaces/${name}/${object}`,
    ),
  );
  const ready = await client.until(async () => {
    const there = await Promise.all(paths.map((path) => client.exists(path)));
    return there.every(Boolean);
  }, 60_000);
  if (!ready) throw new HollowmarkError('cluster-unavailable', 'the namespaces do not become ready');
}
