import type { Container, PodLife } from './pod-life.ts';
import type { ContainerSpec, PodSpec } from './pod-record.ts';

/*
 * What kubemark's fake runtime and its fake prober make of a pod's status (fidelity recordings of v1.36.3;
 * pkg/kubelet/prober/testing/fake_manager.go).
 */

/** Told once the pod has run, and not taken back. */
export function fakePodIp({ phase, address }: PodLife): string {
  return phase === 'Pending' ? '' : address;
}

/** Ids and images by their names, containers ready from the beginning to the end, nothing of starts and of reasons. */
export function fakeStatus(
  pod: PodSpec,
  { name, image, kind }: ContainerSpec,
  told: Record<string, unknown>,
  container: Container | undefined,
): Record<string, unknown> {
  const { started: _, ...status } = told;
  if (kind === 'main') status['ready'] = true;
  const run = container?.run;
  if (run === undefined) return status;
  const idOf = (attempt: number): string =>
    `fakeRuntime://${pod.name}_${pod.namespace}_${pod.uid}_${run.sandbox}_${name}_${attempt}`;
  return {
    ...status,
    image,
    imageID: image,
    containerID: idOf(run.attempt),
    state: withFakeExit(status['state'], idOf(run.attempt)),
    lastState: withFakeExit(status['lastState'], idOf(run.attempt - 1)),
  };
}

function withFakeExit(state: unknown, containerID: string): unknown {
  const { terminated } = state as { terminated?: { reason: string } };
  if (terminated === undefined) return state;
  const { reason: _, ...exit } = terminated;
  return { terminated: { ...exit, containerID } };
}
