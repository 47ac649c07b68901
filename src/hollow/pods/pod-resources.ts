import type { PodLife } from './pod-life.ts';
import { type Amounts, type PodSpec, podAmounts } from './pod-record.ts';
import { formatAmount } from './units.ts';

/** What a kubelet on a node with cgroups v1 reads where a pod has no memory limit (samples). */
const unlimitedMemory = '9007199254740988Ki';

/**
 * `resources` and `allocatedResources`. Before the pod is Running they follow from the spec; then they are read from its
 * cgroup, which has limits only where every container has them; once that is gone, only requested memory is left.
 */
export function podResources(spec: PodSpec, life: PodLife): Record<string, unknown> {
  const requested = podAmounts(spec, 'requests');
  const requests = formatted(requested);
  const allocated = requests === undefined ? {} : { allocatedResources: requests };
  if (!life.seenRunning) {
    const limits = formatted(podAmounts(spec, 'limits'));
    return { ...allocated, resources: withoutUndefined({ limits, requests }) };
  }
  const { cgroupGone: gone } = life;
  const fromCgroup = (name: string): string | undefined => {
    const containers = spec.containers.filter(({ kind }) => kind === 'main' || kind === 'sidecar');
    if (!containers.every(({ limits }) => limits?.[name] !== undefined)) return undefined;
    return formatAmount(name, podAmounts(spec, 'limits')[name] ?? 0);
  };
  const cpu = (requested['cpu'] ?? 0) > 2 && !gone ? { cpu: formatAmount('cpu', requested['cpu'] ?? 0) } : {};
  const memory =
    requested['memory'] === undefined ? {} : { memory: formatAmount('memory', requested['memory']) };
  const limitedCpu = gone ? undefined : fromCgroup('cpu');
  return {
    ...allocated,
    resources: withoutUndefined({
      limits: gone
        ? undefined
        : {
            ...(limitedCpu === undefined ? {} : { cpu: limitedCpu }),
            memory: fromCgroup('memory') ?? unlimitedMemory,
          },
      requests: nonEmpty({ ...cpu, ...memory }),
    }),
  };
}

/** No cgroup tells kubemark anything; of a pod that is gone no CPU is left. */
export function fakePodResources(spec: PodSpec, life: PodLife): Record<string, unknown> {
  const requests = formatted(podAmounts(spec, 'requests'));
  const limits = formatted(podAmounts(spec, 'limits'));
  const { cpu: _, ...left } = requests ?? {};
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: withoutUndefined({ limits, requests: life.end === 'gone' ? nonEmpty(left) : requests }),
  };
}

function formatted(amounts: Amounts): Record<string, string> | undefined {
  return nonEmpty(
    Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatAmount(name, amount)])),
  );
}

function nonEmpty<T extends object>(object: T): T | undefined {
  return Object.keys(object).length === 0 ? undefined : object;
}

export function withoutUndefined(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
