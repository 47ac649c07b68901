import type { KubeletContext } from '../context.ts';
import type { EventRecorder } from '../event-recorder.ts';
import { memoryKeptBytes } from '../node/allocatable.ts';
import type { Pressure } from '../node-failure.ts';
import { isCritical } from './admission.ts';
import type { PodLife } from './pod-life.ts';
import { type PodSpec, podAmounts } from './pod-record.ts';
import { formatBytes, parseBytes, resourceAmount } from './units.ts';

/** How often the eviction manager looks (monitoringInterval), and how soon again after it has evicted a pod. */
const monitorMs = 10_000;
const afterEvictionMs = 1000;

/** The node keeps its condition this long after memory was last short (eviction-pressure-transition-period). */
const transitionMs = 300_000;

/** What a pod has to stop in that is evicted for a hard threshold (immediateEvictionGracePeriodSeconds). */
export const evictionGraceMs = 1000;

/** A pod that runs, as eviction sees it. */
export type Candidate = { spec: PodSpec; life: PodLife; isEnding: boolean };

/** What the eviction manager asks of its node. */
export interface EvictionTarget {
  candidates(): Candidate[];
  evict(uid: string, message: string): void;
  setMemoryPressure(on: boolean): void;
}

/** What a pod's containers use by now: what they are said to use, never more than their limits. */
export function usageBytes({ spec, life }: Omit<Candidate, 'isEnding'>, wallMs: number): number {
  return spec.containers.reduce(
    (sum, _, index) => sum + containerUsageBytes({ spec, life }, index, wallMs),
    0,
  );
}

function containerUsageBytes(
  { spec, life }: Omit<Candidate, 'isEnding'>,
  index: number,
  wallMs: number,
): number {
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

/** Of disk and process ids hollow pods use none: only their priorities differ (rankDiskPressureFunc, rankPIDPressure). */
function rankByPriority(pods: readonly Candidate[]): Candidate[] {
  return pods.toSorted((a, b) => a.spec.priority - b.spec.priority);
}

/**
 * The pods in the order in which they are evicted for memory: first those that use more than they request, those of lower priority
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

/** What a node runs short of with each condition, in the order in which a kubelet sees to it (byEvictionPriority). */
const resources: Readonly<Record<Pressure, string>> = {
  MemoryPressure: 'memory',
  DiskPressure: 'ephemeral-storage',
  PIDPressure: 'pids',
};
const pressures = Object.keys(resources) as Pressure[];

/** `--eviction-hard=nodefs.available<10%`, the default. */
const diskThresholdShare = 0.1;

/** Most nodes never have any: one empty map for all. */
const none: ReadonlyMap<Pressure, number> = new Map();

/** What the node has too little of; `injected` by a failure, else by what its pods are said to use. */
type Lack = {
  condition: Pressure;
  amounts?: { thresholdBytes: number; availableBytes: number };
  injected: boolean;
};

/**
 * Evicts pods when the node runs short, one at a time: of memory by what its pods are said to use, or of anything by an
 * injected failure. It sleeps as long as there is neither. Source: pkg/kubelet/eviction/eviction_manager.go, v1.36.
 */
export class EvictionManager {
  private readonly context: KubeletContext;
  private readonly events: EventRecorder;
  private readonly target: EvictionTarget;
  private armed = false;
  private pressure = false;
  private lastShortMs = Number.NEGATIVE_INFINITY;
  /** Conditions that a failure has brought about, and how many pods have still to go until the node has enough again. */
  private injected = none;

  constructor(context: KubeletContext, events: EventRecorder, target: EvictionTarget) {
    this.context = context;
    this.events = events;
    this.target = target;
  }

  /** `--eviction-hard=memory.available<…`, the default. */
  private get thresholdBytes(): number {
    return memoryKeptBytes[this.context.profile.system.operatingSystem];
  }

  /** The node's conditions that are True. */
  get conditions(): Pressure[] {
    return pressures.filter(
      (condition) => this.injected.has(condition) || (condition === 'MemoryPressure' && this.pressure),
    );
  }

  /** A pod is there that uses memory: from now on it is watched. */
  watch(): void {
    if (!this.armed) this.arm(monitorMs);
  }

  /**
   * The node is short of something until so many pods have been evicted, and its condition stays even then; undefined ends
   * both.
   */
  inject(condition: Pressure, evictions: number | undefined): void {
    const injected = new Map(this.injected);
    if (evictions === undefined) injected.delete(condition);
    else injected.set(condition, evictions);
    this.injected = injected;
    this.watch();
  }

  onTimer(): void {
    this.armed = false;
    const { context, thresholdBytes } = this;
    const pods = this.target.candidates();
    const availableBytes = this.availableBytes(pods);
    const short = availableBytes < thresholdBytes;
    if (short) this.lastShortMs = context.nowMs;
    this.turn(context.nowMs - this.lastShortMs < transitionMs);
    const lack: Lack | undefined = short
      ? { condition: 'MemoryPressure', amounts: { thresholdBytes, availableBytes }, injected: false }
      : this.injectedLack();
    const evicted = lack !== undefined && this.evictOne(pods, lack);
    if (lack !== undefined || this.pressure || pods.some(({ spec }) => usesMemory(spec))) {
      this.arm(evicted ? afterEvictionMs : monitorMs);
    }
  }

  private availableBytes(pods: Candidate[]): number {
    const { now, node } = this.context;
    const capacityBytes = resourceAmount('memory', node.capacity['memory'] ?? '0');
    return capacityBytes - pods.reduce((sum, pod) => sum + usageBytes(pod, now.wallMs), 0);
  }

  private injectedLack(): Lack | undefined {
    const condition = pressures.find((one) => (this.injected.get(one) ?? 0) > 0);
    if (condition === undefined) return undefined;
    // There is no default threshold for process ids, so a message that names one would be made up.
    if (condition === 'PIDPressure') return { condition, injected: true };
    const diskBytes = resourceAmount('memory', this.context.node.capacity['ephemeral-storage'] ?? '0');
    const limitBytes =
      condition === 'MemoryPressure' ? this.thresholdBytes : Math.floor(diskBytes * diskThresholdShare);
    const amounts = { thresholdBytes: limitBytes, availableBytes: Math.floor(limitBytes / 2) };
    return { condition, amounts, injected: true };
  }

  private turn(pressure: boolean): void {
    if (pressure === this.pressure) return;
    this.pressure = pressure;
    this.target.setMemoryPressure(pressure);
  }

  private evictOne(pods: Candidate[], lack: Lack): boolean {
    // It waits for the one that it has evicted.
    if (pods.some(({ life }) => life.ended?.disruptedWallMs !== undefined)) return true;
    const { wallMs } = this.context.now;
    const { name } = this.context.node;
    this.events.record(
      { kind: 'Node', name, namespace: '', uid: name },
      'Warning',
      'EvictionThresholdMet',
      `Attempting to reclaim ${resources[lack.condition]}`,
    );
    const ranked = lack.condition === 'MemoryPressure' ? rankForMemory(pods, wallMs) : rankByPriority(pods);
    // What ends already, by itself or because it is deleted, is not ended as evicted.
    const victim = ranked.find(({ spec, isEnding }) => !isCritical(spec) && !isEnding);
    if (victim === undefined) return false;
    if (lack.injected) {
      const { condition } = lack;
      this.injected = new Map(this.injected).set(condition, (this.injected.get(condition) ?? 0) - 1);
    }
    this.target.evict(victim.spec.uid, evictionMessage(victim, lack, wallMs));
    return true;
  }

  private arm(delayMs: number): void {
    this.armed = true;
    this.context.after(delayMs, { of: 'eviction' });
  }
}

/** Why this pod: the threshold, and which of its containers use more than they request (helpers.go, evictionMessage). */
function evictionMessage(pod: Candidate, { condition, amounts }: Lack, wallMs: number): string {
  let message = `The node was low on resource: ${resources[condition]}. `;
  if (amounts !== undefined) {
    const available = formatBytes(Math.max(0, amounts.availableBytes));
    message += `Threshold quantity: ${formatBytes(amounts.thresholdBytes)}, available: ${available}. `;
  }
  if (condition !== 'MemoryPressure') return message;
  for (const [index, { name, requests }] of pod.spec.containers.entries()) {
    const used = containerUsageBytes(pod, index, wallMs);
    const request = requests?.['memory'] ?? '0';
    if (used <= resourceAmount('memory', request)) continue;
    message += `Container ${name} was using ${formatBytes(used)}, request is ${request}, has larger consumption of memory. `;
  }
  return message;
}
