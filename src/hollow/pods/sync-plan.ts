import type { Container, PodLife } from './pod-life.ts';
import type { ContainerSpec, PodSpec, RestartPolicy } from './pod-record.ts';

/** A container that has to go although it runs, and why. */
export type Kill = { index: number; message: string; graceMs: number | undefined };

/** What one sync of a pod does, in this order. Containers are named by their index. */
export type SyncPlan = { kill: Kill[]; start: number[] };

/** The policy of a main or an init container: its own, else its pod's. */
function policyOf(pod: PodSpec, { restart }: ContainerSpec): RestartPolicy {
  return restart?.policy ?? pod.restartPolicy;
}

/**
 * Whether a container that ended with this code is started again.
 * Source: pkg/api/v1/pod/util.go (ContainerShouldRestart), v1.36; of rules that restart all containers, only the one itself is.
 */
export function shouldRestart(pod: PodSpec, container: ContainerSpec, exitCode: number): boolean {
  const policy = policyOf(pod, container);
  const ruled = container.restart?.codes.some(
    ({ operator, values }) => values.includes(exitCode) === (operator === 'In'),
  );
  if (ruled === true && !(container.kind === 'init' && exitCode === 0)) return true;
  switch (container.kind) {
    case 'sidecar':
      return true;
    case 'ephemeral':
      return false;
    case 'init':
      // An init container that succeeded is done under every policy.
      return exitCode !== 0 && policy !== 'Never';
    case 'main':
      return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
  }
}

/** Whether the init containers are over with: a main container was started, or the last init container is through. */
export function podHasInitialized(spec: PodSpec, life: PodLife): boolean {
  let last: { kind: string; state: Container | undefined } | undefined;
  for (const [index, { kind }] of spec.containers.entries()) {
    const state = life.containers[index];
    if (kind === 'main' && state?.run !== undefined) return true;
    if (kind === 'init' || kind === 'sidecar') last = { kind, state };
  }
  if (last === undefined) return true;
  const run = last.state?.run;
  if (last.kind === 'sidecar') return run?.is === 'running' && last.state?.started === true;
  return run?.is === 'exited' && run.exitCode === 0;
}

/** Whether a pod that has no sandbox gets one: not when all that it was for is done. */
export function needsSandbox(spec: PodSpec, life: PodLife): boolean {
  const main = spec.containers.flatMap(({ kind }, index) =>
    kind === 'main' ? [life.containers[index]] : [],
  );
  const ran = life.containers.some(({ run }) => run !== undefined);
  if (spec.restartPolicy === 'Never') return !ran;
  if (spec.restartPolicy === 'Always') return true;
  return !main.every((container) => container?.run?.is === 'exited' && container.run.exitCode === 0);
}

/**
 * What has to be done about a pod that has a sandbox.
 * Source: pkg/kubelet/kuberuntime/kuberuntime_manager.go (computePodActions), v1.36.
 */
export function planSync(spec: PodSpec, life: PodLife, changed: (index: number) => boolean): SyncPlan {
  const plan: SyncPlan = { kill: [], start: [] };
  for (const [index, { kind }] of spec.containers.entries()) {
    if (kind === 'ephemeral' && life.containers[index]?.run === undefined) plan.start.push(index);
  }
  if (planInit(spec, life, plan, changed)) planMain(spec, life, plan, changed);
  return plan;
}

function planMain(spec: PodSpec, life: PodLife, plan: SyncPlan, changed: (index: number) => boolean): void {
  let kept = 0;
  const start: number[] = [];
  for (const [index, container] of spec.containers.entries()) {
    if (container.kind !== 'main') continue;
    const run = life.containers[index]?.run;
    if (run?.is !== 'running') {
      if (run === undefined || shouldRestart(spec, container, run.exitCode)) start.push(index);
      continue;
    }
    const why = whyKill(container, life.containers[index], changed(index));
    if (why === undefined) {
      kept++;
      continue;
    }
    // A changed container is started again whatever the policy.
    const again = policyOf(spec, container) !== 'Never' || changed(index);
    if (again) start.push(index);
    plan.kill.push({
      index,
      message: `Container ${container.name} ${why.what}${again ? ', will be restarted' : ''}`,
      graceMs: why.graceMs,
    });
  }
  if (kept > 0 || start.length > 0) {
    plan.start.push(...start);
    return;
  }
  finish(spec, life, plan);
}

/** Nothing is left to run but sidecars; once they have stopped the phase is final. */
function finish(spec: PodSpec, life: PodLife, plan: SyncPlan): void {
  plan.start = [];
  for (const [index, { kind, name }] of spec.containers.entries()) {
    if (kind !== 'sidecar' || life.containers[index]?.run?.is !== 'running') continue;
    plan.kill.unshift({ index, message: `Stopping container ${name}`, graceMs: undefined });
  }
}

/** Returns whether the pod is initialized. */
function planInit(
  spec: PodSpec,
  life: PodLife,
  plan: SyncPlan,
  changed: (index: number) => boolean,
): boolean {
  const init = spec.containers.filter(({ kind }) => kind === 'init' || kind === 'sidecar').length;
  if (init === 0) return true;
  let initialized = spec.containers.some(
    ({ kind }, index) => kind === 'main' && life.containers[index]?.run?.is === 'running',
  );
  let laterWasReached = initialized;
  const start: number[] = [];
  // From the last to the first: the last that has run says how far the pod has come.
  for (let index = init - 1; index >= 0; index--) {
    const container = spec.containers[index] as ContainerSpec;
    const state = life.containers[index];
    const run = state?.run?.sandbox === life.sandboxAttempt ? state.run : undefined;
    const sidecar = container.kind === 'sidecar';
    if (run === undefined) {
      if (laterWasReached && sidecar) start.push(index);
      continue;
    }
    if (laterWasReached && !sidecar) continue;
    if (run.is === 'running') {
      const why = sidecar ? whyKill(container, state, changed(index)) : undefined;
      if (why !== undefined) {
        plan.kill.push({
          index,
          message: `Init container ${container.name} ${why.what}`,
          graceMs: why.graceMs,
        });
        start.push(index);
      }
      if (sidecar && state?.started === true) {
        if (index === init - 1) initialized = true;
        else if (!laterWasReached) start.push(index + 1);
      }
    } else if (sidecar) {
      start.push(index);
    } else if (run.exitCode !== 0) {
      if (!shouldRestart(spec, container, run.exitCode)) {
        finish(spec, life, plan);
        return false;
      }
      start.push(index);
    } else if (index === init - 1) initialized = true;
    else start.push(index + 1);
    laterWasReached = true;
  }
  const none = spec.containers
    .slice(0, init)
    .every((_, index) => life.containers[index]?.run?.sandbox !== life.sandboxAttempt);
  if (none && !laterWasReached) start.push(0);
  plan.start.push(...start.toSorted((a, b) => a - b));
  return initialized;
}

function whyKill(
  container: ContainerSpec,
  state: Container | undefined,
  changed: boolean,
): { what: string; graceMs: number | undefined } | undefined {
  if (changed) return { what: 'definition changed', graceMs: undefined };
  for (const type of ['liveness', 'startup'] as const) {
    const index = container.probes.findIndex((probe) => probe.type === type);
    if (index < 0 || state?.probes?.[index]?.result !== false) continue;
    return { what: `failed ${type} probe`, graceMs: container.probes[index]?.graceMs };
  }
  return undefined;
}
