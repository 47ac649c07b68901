import { describe, expect, it } from 'vitest';
import type { Invocation, RunResult, RunVerdict, Unit } from '../../../src/result/result.ts';
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
    validity: true,
    resources: true,
    timeline: true,
    slowestPods: true,
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
    count: true,
    p50: true,
    p90: true,
    p99: true,
    p999: true,
    max: true,
    histogram: true,
    slo: true,
  },
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
  phase: { name: true, type: true, startedAtMs: true, finishedAtMs: true, outcome: true, message: true },
  slowPod: { namespace: true, name: true, node: true, totalUs: true, phasesUs: true },
};
const optionalKeys = [
  'sli.slo',
  'phase.message',
  'run.invocation',
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
});
