import { parseDurationMs } from './duration.ts';
import type { ImageSettings } from '../hollow/runtime/images.ts';
import { parseQuantity } from '../base/quantity.ts';
import type {
  Component,
  DeploymentFailure,
  FailNodesPhase,
  NodeAnswer,
  NodeFailureName,
  Pacing,
  Phase,
  Quantities,
  Scenario,
  ScenarioNodes,
  Taint,
  Threshold,
  WaitGoal,
} from './scenario.ts';

/** A scenario file's content after validation against the schema, which fills in the defaults. */
export type ScenarioDocument = {
  name: string;
  description: string;
  seed: string | number;
  nodes: {
    count: number;
    namePrefix: string;
    capacity: QuantitiesDocument;
    labels: Record<string, string>;
    taints: Taint[];
    runtime?: string;
    groups: NodeGroupDocument[];
    proxies: boolean;
  };
  /** Profiles as they are written; those of files are written out here when they are read. */
  runtimes: Record<string, unknown>;
  images: Record<string, ImageDocument>;
  namespaces: { count: number; prefix: string };
  controlPlane: { flags: 'scale' | 'default'; extraFlags: Partial<Record<Component, FlagsDocument>> };
  phases: PhaseDocument[];
  thresholds: Threshold[];
  windows: { length: string; step: string; goodMinutesMin?: number };
};

type FlagsDocument = Record<string, string | number | boolean>;

type NodeGroupDocument = {
  name: string;
  count: number;
  runtime?: string;
  capacity?: QuantitiesDocument;
  labels?: Record<string, string>;
  taints?: Taint[];
};

type ImageDocument = Omit<ImageSettings, 'sizeBytes'> & { size?: string | number };

type QuantitiesDocument = Record<string, string | number>;

export type PacingDocument =
  | Extract<Pacing, { requestsPerSecond: number }>
  | { strategy: 'burst'; size?: number; every: string };

type FailureDocument = { share: string } & (
  | { failure: 'failed-pull' }
  | { failure: 'exiting'; after: string; exitCode: number }
  | { failure: 'out-of-memory'; after: string }
  | { failure: 'flapping'; every: string }
);

export type PhaseDocument = { name?: string } & (
  | {
      type: 'create-deployments';
      podsPerNode: number;
      podsPerDeployment: number;
      services: boolean;
      image: string;
      requests: QuantitiesDocument;
      failures: FailureDocument[];
      runtimeClass?: string;
      pacing: PacingDocument;
    }
  | {
      type: 'create-jobs';
      count: number;
      completions: number;
      parallelism: number;
      duration: string;
      failures: { share: string; exitCode: number }[];
      image: string;
      requests: QuantitiesDocument;
      runtimeClass?: string;
      pacing: PacingDocument;
    }
  | {
      type: 'create-statefulsets';
      count: number;
      replicas: number;
      podManagementPolicy: 'OrderedReady' | 'Parallel';
      image: string;
      requests: QuantitiesDocument;
      runtimeClass?: string;
      pacing: PacingDocument;
    }
  | {
      type: 'create-volume-claims';
      count: number;
      size: string | number;
      pods: boolean;
      pacing: PacingDocument;
    }
  | { type: 'wait'; for: WaitGoal; timeout: string }
  | { type: 'steady'; duration: string; listsPerSecond: number }
  | {
      type: 'latency-pods';
      count: number;
      image: string;
      requests: QuantitiesDocument;
      runtimeClass?: string;
      pacing: PacingDocument;
      deleteAfterStart: boolean;
      timeout: string;
    }
  | { type: 'scale'; of: string; podsPerDeployment: number; pacing: PacingDocument }
  | {
      type: 'fail-nodes';
      failure: NodeFailureName;
      nodes: number | string;
      duration?: string;
      concurrency?: number;
      delay?: string;
      lossRate?: number;
      evictPods?: number;
      expect: { staysReady: boolean } & Partial<Record<NodeAnswer, string>>;
    }
  | { type: 'delete'; what: 'everything' | 'deployments'; pacing: PacingDocument; timeout: string }
);

/**
 * Turns a validated document into a frozen scenario.
 * @param runtimes those that its nodes have.
 */
export function compile(document: ScenarioDocument, runtimes: Scenario['runtimes']): Scenario {
  const names = phaseNames(document.phases);
  return deepFreeze({
    name: document.name,
    description: document.description,
    seed: String(document.seed),
    nodes: compileNodes(document.nodes),
    runtimes: { ...runtimes },
    images: Object.fromEntries(
      Object.entries(document.images).map(([name, image]) => [name, compileImage(image)]),
    ),
    namespaces: { ...document.namespaces },
    controlPlane: {
      flags: document.controlPlane.flags,
      extraFlags: mapValues(document.controlPlane.extraFlags, quantities),
    },
    phases: document.phases.map((phase, i) => compilePhase(phase, names[i] ?? phase.type)),
    thresholds: structuredClone(document.thresholds),
    windows: compileWindows(document.windows),
  });
}

function compileWindows({ length, step, ...rest }: ScenarioDocument['windows']): Scenario['windows'] {
  return { lengthMs: milliseconds(length), stepMs: milliseconds(step), ...rest };
}

function compileNodes(document: ScenarioDocument['nodes']): ScenarioNodes {
  const { groups, ...common } = structuredClone(document);
  const capacity = quantities(common.capacity);
  return {
    ...common,
    capacity,
    groups: groups.map((group) => ({
      name: group.name,
      count: group.count,
      runtime: group.runtime ?? common.runtime,
      capacity: { ...capacity, ...quantities(group.capacity ?? {}) },
      labels: { ...common.labels, ...group.labels },
      taints: [...common.taints, ...(group.taints ?? [])],
    })),
  };
}

function compileImage({ size, ...image }: ImageDocument): ImageSettings {
  if (size === undefined) return { ...image };
  return { ...image, sizeBytes: Number((parseQuantity(String(size)) ?? 0n) / 1_000_000_000n) };
}

/**
 * The name of each phase: its own, else its type, with `-2`, `-3`… where that is taken. Takes any list, so that
 * `--set` can name phases of a document that is not validated yet.
 */
export function phaseNames(phases: readonly unknown[]): string[] {
  const names = phases.map((phase) => (phase as { name?: unknown } | null)?.name);
  const taken = new Set(names.filter((name) => typeof name === 'string'));
  return phases.map((phase, i) => {
    const own = names[i];
    if (typeof own === 'string') return own;
    const given = (phase as { type?: unknown } | null)?.type;
    const type = typeof given === 'string' ? given : 'phase';
    let name = type;
    for (let n = 2; taken.has(name); n++) name = `${type}-${n}`;
    taken.add(name);
    return name;
  });
}

function compilePhase(phase: PhaseDocument, name: string): Phase {
  switch (phase.type) {
    case 'create-deployments': {
      const { requests, failures, pacing, ...rest } = phase;
      return {
        ...rest,
        name,
        requests: quantities(requests),
        failures: failures.map(compileFailure),
        pacing: compilePacing(pacing),
      };
    }
    case 'create-jobs': {
      const { requests, pacing, duration, failures, ...rest } = phase;
      return {
        ...rest,
        name,
        durationMs: milliseconds(duration),
        failures: failures.map(({ share, exitCode }) => ({ share: shareOf(share), exitCode })),
        requests: quantities(requests),
        pacing: compilePacing(pacing),
      };
    }
    case 'create-statefulsets': {
      const { requests, pacing, ...rest } = phase;
      return { ...rest, name, requests: quantities(requests), pacing: compilePacing(pacing) };
    }
    case 'create-volume-claims':
      return { ...phase, name, size: String(phase.size), pacing: compilePacing(phase.pacing) };
    case 'wait': {
      const { timeout, ...rest } = phase;
      return { ...rest, name, timeoutMs: milliseconds(timeout) };
    }
    case 'steady': {
      const { duration, ...rest } = phase;
      return { ...rest, name, durationMs: milliseconds(duration) };
    }
    case 'latency-pods': {
      const { requests, pacing, timeout, ...rest } = phase;
      return {
        ...rest,
        name,
        requests: quantities(requests),
        pacing: compilePacing(pacing),
        timeoutMs: milliseconds(timeout),
      };
    }
    case 'scale':
      return { ...phase, name, pacing: compilePacing(phase.pacing) };
    case 'fail-nodes':
      return compileFailNodes(phase, name);
    case 'delete': {
      const { pacing, timeout, ...rest } = phase;
      return { ...rest, name, pacing: compilePacing(pacing), timeoutMs: milliseconds(timeout) };
    }
  }
}

function compileFailNodes(
  phase: Extract<PhaseDocument, { type: 'fail-nodes' }>,
  name: string,
): FailNodesPhase {
  const { nodes, duration, delay, expect, ...rest } = phase;
  const { staysReady, ...within } = expect;
  return {
    ...rest,
    name,
    nodes: typeof nodes === 'number' ? { count: nodes } : { share: shareOf(nodes) },
    ...(duration === undefined ? {} : { durationMs: milliseconds(duration) }),
    ...(delay === undefined ? {} : { delayMs: milliseconds(delay) }),
    staysReady,
    withinMs: mapValues(within, milliseconds),
  };
}

function compileFailure(document: FailureDocument): DeploymentFailure {
  const share = shareOf(document.share);
  switch (document.failure) {
    case 'failed-pull':
      return { failure: 'failed-pull', share };
    case 'exiting': {
      const { exitCode, after } = document;
      return { failure: 'exiting', share, exitCode, afterMs: milliseconds(after) };
    }
    case 'out-of-memory':
      return { failure: 'out-of-memory', share, afterMs: milliseconds(document.after) };
    case 'flapping':
      return { failure: 'flapping', share, everyMs: milliseconds(document.every) };
  }
}

/** `5%` → 0.05. */
function shareOf(percent: string): number {
  return Number(percent.slice(0, -1)) / 100;
}

function mapValues<K extends string, A, B>(
  record: Readonly<Partial<Record<K, A>>>,
  change: (value: A) => B,
): Partial<Record<K, B>> {
  const entries = Object.entries(record) as [K, A][];
  return Object.fromEntries(entries.map(([key, value]) => [key, change(value)])) as Partial<Record<K, B>>;
}

function compilePacing(pacing: PacingDocument): Pacing {
  if (pacing.strategy !== 'burst') return { ...pacing };
  const { every, ...rest } = pacing;
  return { ...rest, everyMs: milliseconds(every) };
}

/** The values as texts, however they are written. */
function quantities(document: QuantitiesDocument | FlagsDocument): Quantities {
  return Object.fromEntries(Object.entries(document).map(([name, value]) => [name, String(value)]));
}

/** The schema's pattern has checked the text. */
function milliseconds(duration: string): number {
  return parseDurationMs(duration) ?? 0;
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}
