import type { Container, Exit, PodLife } from './pod-life.ts';
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
  const idOf = ({ sandbox, attempt }: Pick<Exit, 'sandbox' | 'attempt'>): string =>
    `fakeRuntime://${pod.name}_${pod.namespace}_${pod.uid}_${sandbox}_${name}_${attempt}`;
  // While it waits to run again, the last state tells of the run that is over, which is still the latest.
  const waits = 'waiting' in (status['state'] as object);
  const last = waits ? run : container?.previous;
  return {
    ...status,
    image,
    imageID: image,
    containerID: idOf(run),
    state: withFakeExit(status['state'], idOf(run)),
    lastState: last === undefined ? {} : withFakeExit(status['lastState'], idOf(last)),
  };
}

function withFakeExit(state: unknown, containerID: string): unknown {
  const { terminated } = state as { terminated?: { reason: string } };
  if (terminated === undefined) return state;
  const { reason: _, ...exit } = terminated;
  return { terminated: { ...exit, containerID } };
}
