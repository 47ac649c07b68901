import type { KubeletContext } from '../context.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { isCritical } from './admission.ts';
import type { PodLife } from './pod-life.ts';
import { type PodSpec, podAmounts } from './pod-record.ts';
import { formatBytes, parseBytes, resourceAmount } from './units.ts';

/** How often the eviction manager looks (monitoringInterval), and how soon again after it has evicted a pod. */
const monitorMs = 10_000;
const afterEvictionMs = 1000;

/** `--eviction-hard=memory.available<100Mi`, the default. */
const thresholdBytes = 100 * 2 ** 20;

/** The node keeps its condition this long after memory was last short (eviction-pressure-transition-period). */
const transitionMs = 300_000;

/** What a pod has to stop in that is evicted for a hard threshold (immediateEvictionGracePeriodSeconds). */
export const evictionGraceMs = 1000;

/** A pod that runs, as eviction sees it. */
export type Candidate = { spec: PodSpec; life: PodLife };

/** What the eviction manager asks of its node. */
export interface EvictionTarget {
  candidates(): Candidate[];
  evict(uid: string, message: string): void;
  setMemoryPressure(on: boolean): void;
}

/** What a pod's containers use by now: what they are said to use, never more than their limits. */
export function usageBytes({ spec, life }: Candidate, wallMs: number): number {
  return spec.containers.reduce(
    (sum, _, index) => sum + containerUsageBytes({ spec, life }, index, wallMs),
    0,
  );
}

function containerUsageBytes({ spec, life }: Candidate, index: number, wallMs: number): number {
  const run = life.containers[index]?.run;
  const container = spec.containers[index];
  if (run?.is !== 'running' || container === undefined) return 0;
  const { memoryBytes = 0, memoryGrowthBytesPerSecond = 0 } = container.behaviour;
  const grown = memoryBytes + (memoryGrowthBytesPerSecond * (wallMs - run.startedWallMs)) / 1000;
  const limit = container.limits?.['memory'];
  const limitBytes = limit === undefined ? undefined : parseBytes(limit);
  return Math.floor(Math.min(grown, limitBytes ?? grown));
}

/** Whether anything is said about what a pod's containers use. */
export function usesMemory(spec: PodSpec): boolean {
  return spec.containers.some(
    ({ behaviour }) =>
      behaviour.memoryBytes !== undefined || behaviour.memoryGrowthBytesPerSecond !== undefined,
  );
}

/**
 * The pods in the order in which they are evicted: first those that use more than they request, those of lower priority
 * before others, then by how much more they use. Source: pkg/kubelet/eviction/helpers.go (rankMemoryPressure), v1.36.
 */
export function rankForMemory(pods: readonly Candidate[], wallMs: number): Candidate[] {
  const ranked = pods.map((pod) => {
    const overBytes = usageBytes(pod, wallMs) - (podAmounts(pod.spec, 'requests')['memory'] ?? 0);
    return { pod, overBytes };
  });
  ranked.sort(
    (a, b) =>
      Number(b.overBytes > 0) - Number(a.overBytes > 0) ||
      a.pod.spec.priority - b.pod.spec.priority ||
      b.overBytes - a.overBytes,
  );
  return ranked.map(({ pod }) => pod);
}

/**
 * Evicts pods when the node's memory runs short, one at a time. It sleeps on nodes whose pods say nothing of what they
 * use. Source: pkg/kubelet/eviction/eviction_manager.go, v1.36.
 */
export class EvictionManager {
  private readonly context: KubeletContext;
  private readonly events: EventRecorder;
  private readonly target: EvictionTarget;
  private armed = false;
  private pressure = false;
  private lastShortMs = Number.NEGATIVE_INFINITY;

  constructor(context: KubeletContext, events: EventRecorder, target: EvictionTarget) {
    this.context = context;
    this.events = events;
    this.target = target;
  }

  get underMemoryPressure(): boolean {
    return this.pressure;
  }

  /** A pod is there that uses memory: from now on it is watched. */
  watch(): void {
    if (!this.armed) this.arm(monitorMs);
  }

  onTimer(): void {
    this.armed = false;
    const { context } = this;
    const pods = this.target.candidates();
    const { wallMs } = context.now;
    const capacityBytes = resourceAmount('memory', context.node.capacity['memory'] ?? '0');
    const availableBytes = capacityBytes - pods.reduce((sum, pod) => sum + usageBytes(pod, wallMs), 0);
    const short = availableBytes < thresholdBytes;
    if (short) this.lastShortMs = context.nowMs;
    this.turn(context.nowMs - this.lastShortMs < transitionMs);
    const evicted = short && this.evictOne(pods, availableBytes);
    if (this.pressure || pods.some(({ spec }) => usesMemory(spec))) {
      this.arm(evicted ? afterEvictionMs : monitorMs);
    }
  }

  private turn(pressure: boolean): void {
    if (pressure === this.pressure) return;
    this.pressure = pressure;
    this.target.setMemoryPressure(pressure);
  }

  private evictOne(pods: Candidate[], availableBytes: number): boolean {
    // It waits for the one that it has evicted.
    if (pods.some(({ life }) => life.ended !== undefined)) return true;
    const { wallMs } = this.context.now;
    const { name } = this.context.node;
    this.events.record(
      { kind: 'Node', name, namespace: '', uid: name },
      'Warning',
      'EvictionThresholdMet',
      'Attempting to reclaim memory',
    );
    const victim = rankForMemory(pods, wallMs).find(({ spec, life }) => !isCritical(spec) && !life.deleting);
    if (victim === undefined) return false;
    this.target.evict(victim.spec.uid, evictionMessage(victim, availableBytes, wallMs));
    return true;
  }

  private arm(delayMs: number): void {
    this.armed = true;
    this.context.after(delayMs, { of: 'eviction' });
  }
}

/** Why this pod: the threshold, and which of its containers use more than they request (helpers.go, evictionMessage). */
function evictionMessage(pod: Candidate, availableBytes: number, wallMs: number): string {
  let message = `The node was low on resource: memory. Threshold quantity: ${formatBytes(thresholdBytes)}, available: ${formatBytes(Math.max(0, availableBytes))}. `;
  for (const [index, { name, requests }] of pod.spec.containers.entries()) {
    const used = containerUsageBytes(pod, index, wallMs);
    const request = requests?.['memory'] ?? '0';
    if (used <= resourceAmount('memory', request)) continue;
    message += `Container ${name} was using ${formatBytes(used)}, request is ${request}, has larger consumption of memory. `;
  }
  return message;
}
