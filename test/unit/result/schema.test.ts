import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/base/package-info.ts';
import type {
  CallOutcomes,
  Figure,
  Inventory,
  Invocation,
  LatencyGrid,
  NodeRecord,
  PhaseRequests,
  PodColumns,
  PodTally,
  Quantiles,
  RunResult,
  RunVerdict,
  SliWindows,
  Unit,
  WorkloadRecord,
} from '../../../src/result/result.ts';
import { findSchemaFault, resultSchema, type SchemaNode } from '../../../src/result/schema.ts';
import { sampleResult } from '../report/sample-result.ts';

/**
 * Every key of the contract, as the compiler sees it: a key that is added to the type and not here, or the other
 * way round, does not compile; the test below compares with the schema.
 */
type KeysOf<T> = { [K in keyof Required<T>]: true };
const keys: {
  $: KeysOf<RunResult>;
  run: KeysOf<RunResult['run']>;
  invocation: KeysOf<Invocation>;
  tool: KeysOf<RunResult['tool']>;
  machine: KeysOf<RunResult['machine']>;
  cluster: KeysOf<RunResult['cluster']>;
  wire: KeysOf<RunResult['wire']>;
  nodes: KeysOf<RunResult['nodes']>;
  pods: KeysOf<RunResult['pods']>;
  validity: KeysOf<RunResult['validity']>;
  resources: KeysOf<RunResult['resources']>;
  sli: KeysOf<RunResult['slis'][number]>;
  validityCheck: KeysOf<RunResult['validity']['checks'][number]>;
  processResources: KeysOf<RunResult['resources']['harness'][number]>;
  timelinePoint: KeysOf<RunResult['timeline'][number]>;
  phase: KeysOf<RunResult['run']['phases'][number]>;
  slowPod: KeysOf<RunResult['slowestPods'][number]>;
  quantiles: KeysOf<Quantiles>;
  sliWindows: KeysOf<SliWindows>;
  window: KeysOf<SliWindows['points'][number]>;
  figure: KeysOf<Figure>;
  callOutcomes: KeysOf<CallOutcomes>;
  phaseRequests: KeysOf<PhaseRequests>;
  windows: KeysOf<RunResult['windows']>;
  latencyGrid: KeysOf<LatencyGrid>;
  inventory: KeysOf<Inventory>;
  nodeRecord: KeysOf<NodeRecord>;
  workloadRecord: KeysOf<WorkloadRecord>;
  podTally: KeysOf<PodTally>;
  podColumns: KeysOf<PodColumns>;
} = {
  $: {
    schema: true,
    run: true,
    tool: true,
    machine: true,
    cluster: true,
    wire: true,
    nodes: true,
    pods: true,
    slis: true,
    figures: true,
    calls: true,
    windows: true,
    validity: true,
    resources: true,
    timeline: true,
    slowestPods: true,
    latencyGrids: true,
    inventory: true,
    notes: true,
    failures: true,
    verdict: true,
    summary: true,
  },
  run: {
    id: true,
    scenario: true,
    seed: true,
    startedAt: true,
    measuringStartedAt: true,
    finishedAt: true,
    parameters: true,
    invocation: true,
    phases: true,
  },
  invocation: {
    kubernetesVersion: true,
    flags: true,
    profile: true,
    identity: true,
    binaries: true,
    releaseUrl: true,
    kubeconfig: true,
    context: true,
    server: true,
  },
  tool: { name: true, version: true, node: true },
  machine: { os: true, kernel: true, arch: true, cpuModel: true, cpuCount: true, memoryBytes: true },
  cluster: { version: true, source: true, profile: true, flags: true },
  wire: { profile: true, identity: true, codec: true, comparable: true },
  nodes: { requested: true, ready: true, notReadyEvents: true },
  pods: { created: true, started: true, deleted: true, failed: true },
  validity: { verdict: true, checks: true },
  resources: { harness: true, controlPlane: true },
  sli: {
    id: true,
    labels: true,
    unit: true,
    definition: true,
    source: true,
    resolution: true,
    count: true,
    p50: true,
    p90: true,
    p99: true,
    p999: true,
    max: true,
    histogram: true,
    slo: true,
    lowerBound: true,
    windows: true,
  },
  quantiles: { p50: true, p90: true, p99: true, p999: true, max: true },
  sliWindows: { good: true, bad: true, undecided: true, points: true },
  window: { atMs: true, count: true, value: true, verdict: true },
  figure: {
    id: true,
    labels: true,
    unit: true,
    definition: true,
    source: true,
    resolution: true,
    value: true,
  },
  callOutcomes: {
    source: true,
    verb: true,
    resource: true,
    subresource: true,
    scope: true,
    statuses: true,
  },
  phaseRequests: {
    planned: true,
    sent: true,
    done: true,
    failed: true,
    retries: true,
    heldBack: true,
    achievedRatio: true,
    requestedPerSecond: true,
    achievedPerSecond: true,
    latenessP99Us: true,
  },
  windows: { lengthMs: true, stepMs: true, good: true, bad: true, undecided: true },
  latencyGrid: { id: true, labels: true, unit: true, stepMs: true, edges: true, columns: true },
  inventory: { nodes: true, nodesOmitted: true, workloads: true },
  nodeRecord: { name: true, state: true, lapses: true, readyAtMs: true, pods: true, kept: true },
  workloadRecord: { namespace: true, kind: true, name: true, pods: true },
  podTally: {
    total: true,
    started: true,
    failed: true,
    deleted: true,
    startupMeanUs: true,
    startupMaxUs: true,
  },
  podColumns: { names: true, workloads: true, states: true, startupUs: true },
  validityCheck: { id: true, verdict: true, value: true, limit: true, unit: true, message: true },
  processResources: { name: true, cpuSeconds: true, rssBytesMax: true },
  timelinePoint: {
    atMs: true,
    phase: true,
    nodesReady: true,
    podsCreated: true,
    podsStarted: true,
    podsDeleted: true,
    requestsPerSecond: true,
    requestedPerSecond: true,
    podStartupP99Us: true,
    apiCallP99Us: true,
    cpuCores: true,
    rssBytes: true,
  },
  phase: {
    name: true,
    type: true,
    startedAtMs: true,
    finishedAtMs: true,
    outcome: true,
    message: true,
    requests: true,
  },
  slowPod: { namespace: true, name: true, node: true, totalUs: true, phasesUs: true },
};
const optionalKeys = [
  'sli.slo',
  'sli.lowerBound',
  'sli.windows',
  'phase.requests',
  'phaseRequests.heldBack',
  'phase.message',
  'run.invocation',
  'run.measuringStartedAt',
  'wire.comparable',
  ...[
    'kubernetesVersion',
    'flags',
    'identity',
    'binaries',
    'releaseUrl',
    'kubeconfig',
    'context',
    'server',
  ].map((key) => `invocation.${key}`),
];
const units: Record<Unit, true> = {
  us: true,
  bytes: true,
  count: true,
  'per-second': true,
  ratio: true,
  percent: true,
};
const verdicts: Record<RunVerdict, true> = {
  pass: true,
  fail: true,
  invalid: true,
  inconclusive: true,
  interrupted: true,
};

function nodeOf(name: string): SchemaNode {
  const schema = resultSchema();
  const node = name === '$' ? schema : (schema.properties?.[name] ?? schema.$defs?.[name]);
  if (node === undefined) throw new Error(`the schema has no ${name}`);
  return node;
}

describe('result.schema.json', () => {
  it.each(Object.keys(keys))('has the same keys as the type: %s', (name) => {
    const node = nodeOf(name);
    const expected = Object.keys(keys[name as keyof typeof keys]);
    expect(Object.keys(node.properties ?? {})).toEqual(expected);
    expect(node.additionalProperties).toBe(false);
    expect(node.required).toEqual(expected.filter((key) => !optionalKeys.includes(`${name}.${key}`)));
  });

  it('has the same closed lists as the type', () => {
    const schema = resultSchema() as {
      $defs: { unit: { enum: string[] } };
      properties: { verdict: { enum: string[] } };
    };
    expect(schema.$defs.unit.enum).toEqual(Object.keys(units));
    expect(schema.properties.verdict.enum).toEqual(Object.keys(verdicts));
  });

  it.each(Object.keys(verdicts) as RunVerdict[])('accepts a whole result: %s', (verdict) => {
    expect(findSchemaFault(JSON.parse(JSON.stringify(sampleResult({ verdict }))))).toBeUndefined();
  });

  it('accepts a run that never got anywhere', () => {
    const result = sampleResult({ verdict: 'interrupted' });
    const nothing = {
      ...result,
      slis: [],
      timeline: [],
      slowestPods: [],
      validity: { verdict: 'invalid', checks: [] },
    };
    expect(findSchemaFault(JSON.parse(JSON.stringify(nothing)))).toBeUndefined();
  });

  it('is published under a name that stays', () => {
    const { exports } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      exports: Record<string, string>;
    };
    const path = exports['./result.schema.json'] ?? '';
    // dist/ has the data files of src/.
    expect(existsSync(join(packageRoot, path.replace('./dist/', 'src/')))).toBe(true);
  });
});
