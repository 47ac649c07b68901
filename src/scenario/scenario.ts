import type { PodFailure } from '../load/objects.ts';
import type { ImageSettings } from '../hollow/runtime/images.ts';
import type { RuntimeProfile } from '../hollow/runtime/runtime-profile.ts';

/**
 * A scenario as the rest of Hollowmark sees it: validated, every default filled in, durations in milliseconds,
 * frozen. `scenarios/scenario.schema.json` describes the file that it is read from; a test keeps the two together.
 */
export type Scenario = {
  /** A DNS label. */
  readonly name: string;
  readonly description: string;
  /** The text that all random decisions are derived from. */
  readonly seed: string;
  readonly nodes: ScenarioNodes;
  /** Those that nodes have, by the name that nodes call them. */
  readonly runtimes: Readonly<Record<string, RuntimeProfile>>;
  readonly images: Readonly<Record<string, ImageSettings>>;
  readonly namespaces: { readonly count: number; readonly prefix: string };
  readonly controlPlane: { readonly flags: 'scale' | 'default'; readonly extraFlags: ExtraFlags };
  readonly phases: readonly Phase[];
  /** The user's own; the official SLOs hold for everything that none of them matches. */
  readonly thresholds: readonly Threshold[];
  readonly windows: Windows;
};

/** How SLOs are judged over time. */
export type Windows = {
  readonly lengthMs: number;
  readonly stepMs: number;
  /** The share of windows, 0..1, that must be good for the run to pass; absent: they are told and not judged. */
  readonly goodMinutesMin?: number;
};

/** Values of flags by name without dashes, by component. */
export type ExtraFlags = Readonly<Partial<Record<Component, Readonly<Record<string, string>>>>>;

export type Component = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** Kubernetes quantities by resource name, as texts. */
export type Quantities = Readonly<Record<string, string>>;

export type ScenarioNodes = {
  readonly count: number;
  readonly namePrefix: string;
  /** Has at least cpu, memory, pods and ephemeral-storage. */
  readonly capacity: Quantities;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** A key of the scenario's `runtimes`; else the wire profile says which. */
  readonly runtime?: string | undefined;
  /** Some of the `count` nodes, which differ from the rest: the last ones. */
  readonly groups: readonly NodeGroup[];
  /** Whether each node has a kube-proxy. */
  readonly proxies: boolean;
};

/** Nodes that are alike; complete. */
export type NodeGroup = {
  /** Empty for nodes that are in no group. */
  readonly name: string;
} & Pick<ScenarioNodes, 'count' | 'capacity' | 'labels' | 'taints' | 'runtime'>;

export type Taint = { readonly key: string; readonly value?: string; readonly effect: TaintEffect };

export type TaintEffect = 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';

/** When requests are sent; the words are those that users write. */
export type Pacing =
  | { readonly strategy: 'constant-rate'; readonly requestsPerSecond: number }
  | { readonly strategy: 'poisson'; readonly requestsPerSecond: number }
  /** Without `size` all requests are one group. */
  | { readonly strategy: 'burst'; readonly size?: number; readonly everyMs: number };

export type PacingStrategyName = Pacing['strategy'];

/** `name` is unique within the scenario and a DNS label. */
type PhaseBase<Type extends string> = { readonly type: Type; readonly name: string };

export type CreateDeploymentsPhase = PhaseBase<'create-deployments'> & {
  readonly podsPerNode: number;
  readonly podsPerDeployment: number;
  /** Whether each Deployment has a Service. */
  readonly services: boolean;
  readonly image: string;
  readonly requests: Quantities;
  readonly failures: readonly DeploymentFailure[];
  readonly runtimeClass?: string;
  readonly pacing: Pacing;
};

/** A share (0..1) of a phase's Deployments whose pods fail. */
export type DeploymentFailure = PodFailure & { readonly share: number };

/** A share (0..1) of a phase's Jobs whose pods all end with this code, 1 to 255. */
export type JobFailure = { readonly share: number; readonly exitCode: number };

export type CreateJobsPhase = PhaseBase<'create-jobs'> & {
  readonly count: number;
  /** Of each Job. */
  readonly completions: number;
  readonly parallelism: number;
  /** How long each pod runs. */
  readonly durationMs: number;
  readonly failures: readonly JobFailure[];
  readonly image: string;
  readonly requests: Quantities;
  readonly runtimeClass?: string;
  readonly pacing: Pacing;
};

export type CreateStatefulSetsPhase = PhaseBase<'create-statefulsets'> & {
  readonly count: number;
  /** Of each StatefulSet. */
  readonly replicas: number;
  readonly podManagementPolicy: 'OrderedReady' | 'Parallel';
  readonly image: string;
  readonly requests: Quantities;
  readonly runtimeClass?: string;
  readonly pacing: Pacing;
};

export type CreateVolumeClaimsPhase = PhaseBase<'create-volume-claims'> & {
  readonly count: number;
  /** Of each claim, and of the volume that is there for it. */
  readonly size: string;
  /** Whether each claim has a pod that mounts it. */
  readonly pods: boolean;
  readonly pacing: Pacing;
};

/** What is waited for, in the words that users write. */
export type WaitGoal =
  | 'pods-started'
  | 'pods-gone'
  | 'nodes-ready'
  | 'jobs-complete'
  | 'statefulsets-ready'
  | 'claims-bound';

export type WaitPhase = PhaseBase<'wait'> & {
  readonly for: WaitGoal;
  readonly timeoutMs: number;
};

export type SteadyPhase = PhaseBase<'steady'> & {
  readonly durationMs: number;
  readonly listsPerSecond: number;
};

export type LatencyPodsPhase = PhaseBase<'latency-pods'> & {
  readonly count: number;
  readonly image: string;
  readonly requests: Quantities;
  readonly runtimeClass?: string;
  readonly pacing: Pacing;
  readonly deleteAfterStart: boolean;
  readonly timeoutMs: number;
};

export type ScalePhase = PhaseBase<'scale'> & {
  /** Name of the `create-deployments` phase whose Deployments are scaled. */
  readonly of: string;
  readonly podsPerDeployment: number;
  readonly pacing: Pacing;
};

export type DeletePhase = PhaseBase<'delete'> & {
  readonly what: 'everything' | 'deployments';
  readonly pacing: Pacing;
  readonly timeoutMs: number;
};

/** The words that users write for what befalls nodes. */
export type NodeFailureName =
  | 'crash'
  | 'kubelet-restart'
  | 'partition'
  | 'slow-heartbeats'
  | 'lost-heartbeats'
  | 'memory-pressure'
  | 'disk-pressure'
  | 'pid-pressure';

/** What a control plane answers to a failure, and the nodes to their return. */
export type NodeAnswer = 'notReady' | 'tainted' | 'podsEvicted' | 'podsRescheduled' | 'readyAgain';

export type FailNodesPhase = PhaseBase<'fail-nodes'> & {
  readonly failure: NodeFailureName;
  /** How many nodes, or which share of all of them (0..1). */
  readonly nodes: { readonly count: number } | { readonly share: number };
  /** Absent: until all that is expected of a failure has come about. */
  readonly durationMs?: number;
  /** How many nodes fail at a time; absent: all of them. */
  readonly concurrency?: number;
  /** Of slow heartbeats. */
  readonly delayMs?: number;
  /** Of lost heartbeats, 0..1; absent: all of them. */
  readonly lossRate?: number;
  /** Of the pressures: how many pods each node evicts; absent: one. */
  readonly evictPods?: number;
  /** No node may cease to be Ready. */
  readonly staysReady: boolean;
  /** Time limit of each answer that is expected. */
  readonly withinMs: Readonly<Partial<Record<NodeAnswer, number>>>;
};

export type Phase =
  | CreateDeploymentsPhase
  | CreateJobsPhase
  | CreateStatefulSetsPhase
  | CreateVolumeClaimsPhase
  | WaitPhase
  | SteadyPhase
  | LatencyPodsPhase
  | ScalePhase
  | FailNodesPhase
  | DeletePhase;

/** What one SLI is judged by. */
export type Threshold = {
  readonly sli: string;
  /** The SLI must have these labels, and may have others. */
  readonly labels: Readonly<Record<string, string>>;
  /** 0..1, e.g. 0.99. */
  readonly quantile: number;
  readonly thresholdMs: number;
};
