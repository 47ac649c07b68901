import type { PodLife } from './pod-life.ts';
import type { PodSpec } from './pod-record.ts';

/** However little grace is left, a container has this long (kuberuntime, minimumGracePeriodInSeconds). */
const graceMsMin = 2000;

/** When a container that is told to stop has stopped, from the moment that it is told, and how. */
export type Stop = { index: number; afterMs: number; exitCode: number; reason: string };

/**
 * How the running containers of a pod stop: each has its preStop hook, then SIGTERM, and SIGKILL once the grace period is
 * over. Sidecars wait for the main containers, and then go one after the other, the last first.
 * Source: pkg/kubelet/kuberuntime/kuberuntime_container.go (killContainer), kuberuntime_termination_order.go, v1.36.
 */
export function planStops(spec: PodSpec, life: PodLife, graceMs: number, wallMs: number): Stop[] {
  const stops: Stop[] = [];
  let othersMs = 0;
  const add = (index: number, waitMs: number): void => {
    const stop = stopOf(spec, life, index, graceMs, waitMs, wallMs);
    if (stop === undefined) return;
    stops.push(stop);
    othersMs = Math.max(othersMs, stop.afterMs);
  };
  for (const [index, { kind }] of spec.containers.entries()) if (kind !== 'sidecar') add(index, 0);
  for (let index = spec.containers.length - 1; index >= 0; index--) {
    if (spec.containers[index]?.kind === 'sidecar') add(index, othersMs);
  }
  return stops;
}

/** How one container stops; `waitMs`: for others that go before it. Undefined when it does not run. */
export function stopOf(
  spec: PodSpec,
  life: PodLife,
  index: number,
  graceMs: number,
  waitMs: number,
  wallMs: number,
): Stop | undefined {
  const container = spec.containers[index];
  const run = life.containers[index]?.run;
  if (container === undefined || run?.is !== 'running') return undefined;
  const { behaviour } = container;
  const termMs = behaviour.termDurationMs ?? 0;
  const beforeMs = Math.min(graceMs, Math.max(waitMs, container.preStopMs));
  const leftMs = Math.max(graceMsMin, graceMs - beforeMs);
  const exitCode = behaviour.termExitCode ?? 0;
  const stop: Stop =
    termMs > leftMs
      ? { index, afterMs: beforeMs + leftMs, exitCode: 137, reason: 'Error' }
      : { index, afterMs: beforeMs + termMs, exitCode, reason: exitCode === 0 ? 'Completed' : 'Error' };
  // It may come to its own end before.
  const ownMs = run.end === undefined ? undefined : run.startedWallMs + run.end.afterMs - wallMs;
  if (run.end === undefined || ownMs === undefined || ownMs >= stop.afterMs) return stop;
  return { index, afterMs: Math.max(0, ownMs), exitCode: run.end.exitCode, reason: run.end.reason };
}
