import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { startControlPlane } from '../control-plane/start.ts';
import { ApiClient } from '../kube/client.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import { certificateIdentity } from '../kube/identity.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { type AuditEvent, auditFlags, auditPolicy, joinAudit, readAuditLog } from './audit.ts';
import { nodeLoss } from './node-loss.ts';
import { Recorder } from './recorder/recorder.ts';
import type { Recording } from './recorder/recording.ts';
import type { Reference } from './references.ts';
import { type Row, countRows } from './rows.ts';
import type { NodesRunOptions, SideOptions } from './side.ts';
import { type StartTimes, startTimes } from './timing.ts';
import type { WorkPlan } from './work/plan.ts';
import { WorkClient } from './work/work-client.ts';
import { Work, type WorkOutcome } from './work/work.ts';

/** What one run of the work on one kind of nodes has shown. */
export type SideRun = {
  kind: Reference;
  /** As the API server's binary says it. */
  version: string;
  work: WorkOutcome;
  rows: Row[];
  times: StartTimes;
  recording: Recording;
  audit: AuditEvent[];
};

export type RunSideOptions = NodesRunOptions & { plan: WorkPlan };

/**
 * So that a node that has left is missed after half a minute: leases are renewed every 10 s, and a lease may be 20 s old
 * when nothing is wrong.
 */
const nodeMonitorFlags = ['--node-monitor-period=2s', '--node-monitor-grace-period=25s'];

/**
 * Starts a control plane with a recorder in front of it, gives the work to one kind of nodes, and takes all away again.
 * @throws HollowmarkError `cluster-unavailable` when control plane or nodes do not start, `interrupted`, `internal` when
 * recorder and audit log do not tell of the same requests.
 */
export async function runSide(options: RunSideOptions): Promise<SideRun> {
  const { stateDir, binaries, children, clock, reporter, signal } = options;
  await mkdir(stateDir, { mode: 0o700, recursive: true });
  const auditLog = join(stateDir, 'audit.log');
  const policy = join(stateDir, 'audit-policy.yaml');
  await writeFile(policy, auditPolicy);
  const controlPlane = await startControlPlane({
    ...binaries,
    profile: 'scale',
    extraFlags: {
      'kube-apiserver': auditFlags(policy, auditLog),
      'kube-controller-manager': nodeMonitorFlags,
    },
    stateDir: join(stateDir, 'control-plane'),
    children,
    reporter,
    signal,
    clock,
  });
  try {
    return await onControlPlane(options, controlPlane, auditLog);
  } finally {
    await controlPlane.stop();
  }
}

async function onControlPlane(
  options: RunSideOptions,
  controlPlane: ControlPlane,
  auditLog: string,
): Promise<SideRun> {
  const { endpoint, frontProxyClient, clientAuthority: authority, version } = controlPlane;
  const { clock, plan, children, reporter, proxies, stateDir, signal, kind } = options;
  const recorder = await Recorder.start({ upstream: { ...endpoint, frontProxyClient }, authority, clock });
  const admin = adminClient(controlPlane, clock);
  // A component or a node that dies ends the work, which else would wait for it.
  const ended = new AbortController();
  const { onLost, lost } = nodeLoss();
  const either = AbortSignal.any([signal, ended.signal]);
  const nodeNames = Array.from({ length: plan.nodes }, (_, index) => `node-${index + 1}`);
  const sideOptions: SideOptions = {
    endpoint: recorder.endpoint,
    admin,
    authority,
    version,
    nodeNames,
    proxies,
    stateDir: join(stateDir, 'nodes'),
    children,
    onLost,
    reporter,
    signal: either,
  };
  try {
    const side = options.makeSide(sideOptions);
    let work: WorkOutcome;
    try {
      const client = new WorkClient(admin, either);
      reporter.step(`Giving the work to ${kind} nodes`);
      const working = new Work({ plan, side, client, clock, reporter }).run();
      work = await Promise.race([working, controlPlane.died, lost]);
    } finally {
      ended.abort(new HollowmarkError('cluster-unavailable', 'the comparison is being ended'));
      await side.stop();
    }
    const recording = recorder.recording();
    const audit = readAuditLog(await readFile(auditLog, 'utf8'));
    const { joined, faults } = joinAudit(audit, recording.requests);
    if (faults.length > 0) {
      throw new HollowmarkError(
        'internal',
        `recorder and audit log disagree on ${faults.length} requests, such as: ${faults.slice(0, 3).join('; ')}`,
      );
    }
    const [joining] = work.phases;
    // Before the first request there were no nodes: some take long to prepare.
    if (joining !== undefined) joining.startUs = joined[0]?.audit.receivedUs ?? joining.startUs;
    return {
      kind,
      version,
      work,
      rows: countRows(joined, { phases: work.phases, nodeNames }),
      times: startTimes(audit, joined, work.timedPods),
      recording,
      audit,
    };
  } catch (error) {
    if (error instanceof HollowmarkError || !signal.aborted) throw error;
    throw new HollowmarkError('interrupted', 'interrupted', { cause: error });
  } finally {
    admin.close();
    await recorder.stop();
  }
}

/** The administrator, as whom the work is given. */
export function adminClient({ endpoint, admin }: ControlPlane, clock: Clock): ApiClient {
  return new ApiClient({
    endpoint,
    identity: certificateIdentity(endpoint, admin),
    codec: jsonCodec,
    userAgent: `hollowmark-fidelity/${tool.version}`,
    clock,
    prng: new Prng('fidelity'),
    metrics: new CallMetrics(),
    handshakes: new HandshakeGate(1),
  });
}
