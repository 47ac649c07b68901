import { describe, expect, test } from 'vitest';
import { type SchemaNode, scenarioSchema } from '../../../src/scenario/file/schema.ts';
import type { NodeGroup, Phase, Scenario } from '../../../src/scenario/scenario.ts';

describe('schema and types', () => {
  type Keys<T> = Record<keyof T, true>;
  type Of<Type extends Phase['type']> = Extract<Phase, { type: Type }>;
  const schema = scenarioSchema();
  const keysOf = (node: SchemaNode | undefined): string[] => Object.keys(node?.properties ?? {}).toSorted();
  /** The type's keys as the file writes them. */
  const written = (keys: Record<string, true>): string[] =>
    Object.keys(keys)
      .flatMap((key) => {
        if (key === 'withinMs') return ['expect'];
        // One of the answers that are expected.
        if (key === 'staysReady') return [];
        return ['timeoutMs', 'durationMs', 'everyMs', 'delayMs', 'lengthMs', 'stepMs'].includes(key)
          ? [key.slice(0, -'Ms'.length)]
          : [key];
      })
      .toSorted();

  test('have the same keys everywhere', () => {
    const top: Keys<Scenario> = {
      name: true,
      description: true,
      seed: true,
      nodes: true,
      runtimes: true,
      images: true,
      namespaces: true,
      controlPlane: true,
      phases: true,
      thresholds: true,
      windows: true,
    };
    expect(keysOf(schema)).toEqual(written(top));
    const windows: Keys<Scenario['windows']> = { lengthMs: true, stepMs: true, goodMinutesMin: true };
    expect(keysOf(schema.definitions?.['windows'])).toEqual(written(windows));
    const nodes: Keys<Scenario['nodes']> = {
      count: true,
      namePrefix: true,
      capacity: true,
      labels: true,
      taints: true,
      runtime: true,
      groups: true,
      proxies: true,
    };
    expect(keysOf(schema.definitions?.['nodes'])).toEqual(written(nodes));
    const group: Keys<NodeGroup> = {
      name: true,
      count: true,
      runtime: true,
      capacity: true,
      labels: true,
      taints: true,
    };
    expect(keysOf(schema.definitions?.['nodeGroup'])).toEqual(written(group));
    const threshold: Keys<Scenario['thresholds'][number]> = {
      sli: true,
      labels: true,
      quantile: true,
      thresholdMs: true,
    };
    expect(keysOf(schema.definitions?.['threshold'])).toEqual(written(threshold));
  });

  test('have the same phases with the same keys', () => {
    const shape = {
      image: true,
      requests: true,
      runtimeClass: true,
      pacing: true,
      name: true,
      type: true,
    } as const;
    const phases: { [Type in Phase['type']]: Keys<Of<Type>> } = {
      'create-deployments': {
        ...shape,
        podsPerNode: true,
        podsPerDeployment: true,
        services: true,
        failures: true,
      },
      'create-jobs': {
        ...shape,
        count: true,
        completions: true,
        parallelism: true,
        durationMs: true,
        failures: true,
      },
      'create-statefulsets': { ...shape, count: true, replicas: true, podManagementPolicy: true },
      'create-volume-claims': {
        type: true,
        name: true,
        count: true,
        size: true,
        pods: true,
        pacing: true,
      },
      wait: { type: true, name: true, for: true, timeoutMs: true },
      steady: { type: true, name: true, durationMs: true, listsPerSecond: true },
      'latency-pods': { ...shape, count: true, deleteAfterStart: true, timeoutMs: true },
      'fail-nodes': {
        type: true,
        name: true,
        failure: true,
        nodes: true,
        durationMs: true,
        concurrency: true,
        delayMs: true,
        lossRate: true,
        evictPods: true,
        staysReady: true,
        withinMs: true,
      },
      scale: { type: true, name: true, of: true, podsPerDeployment: true, pacing: true },
      delete: { type: true, name: true, what: true, pacing: true, timeoutMs: true },
    };
    const branches = Object.values(schema.definitions ?? {}).filter(
      (node) => node.properties?.['type']?.const !== undefined,
    );
    const found = branches.map((node) => [node.properties?.['type']?.const, keysOf(node)] as const);
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(Object.entries(phases).map(([type, keys]) => [type, written(keys)])),
    );
  });

  test('every object refuses unknown keys, and every setting is described', () => {
    const faults: string[] = [];
    const visit = (node: SchemaNode, where: string): void => {
      if (node.properties !== undefined && node.additionalProperties === undefined)
        faults.push(`${where} is open`);
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        const target = schema.definitions?.[child.$ref?.split('/').at(-1) ?? ''];
        if ((child.description ?? target?.description ?? child.const) === undefined) {
          faults.push(`${where}.${key} has no description`);
        }
        visit(child, `${where}.${key}`);
      }
    };
    visit(schema, 'scenario');
    for (const [name, node] of Object.entries(schema.definitions ?? {})) visit(node, name);
    expect(faults).toEqual([]);
  });
});
