import { describe, expect, test } from 'vitest';
import type { NodeConfig } from '../../../src/hollow/context.ts';
import { loadRuntimeProfile } from '../../../src/hollow/runtime/runtime-profile.ts';
import { defaultScenario, loadScenario, parseScenario } from '../../../src/scenario/load-scenario.ts';
import { nodeAddress, nodeConfigs } from '../../../src/scenario/nodes.ts';
import { renderPlan, summariseScenario } from '../../../src/scenario/render-plan.ts';

const plan = (seed: string, sets: string[] = []): string[] =>
  renderPlan(loadScenario('scenarios/density.yaml', { seed, sets }).scenario);

describe('the plan', () => {
  test('is the same for the same seed', () => {
    expect(plan('a')).toEqual(plan('a'));
  });

  test('differs for another seed in what is drawn, and in nothing else', () => {
    const a = plan('a');
    const b = plan('b');
    const different = a.filter((line, i) => line !== b[i]);
    expect(different).toHaveLength(2);
    expect(different[0]).toBe('seed "a"');
    expect(different[1]).toMatch(/^ {2}500 requests at µs \d+ /);
  });

  test('of one phase does not depend on what other phases draw', () => {
    const latencyTimes = (sets: string[]): string | undefined =>
      plan('a', sets).find((line) => line.startsWith('  500 requests'));
    expect(latencyTimes(['phases.fill.pacing={strategy: poisson, requestsPerSecond: 3}'])).toBe(
      latencyTimes([]),
    );
  });

  test('counts Services as requests of their own, where they are made and where they are deleted', () => {
    const text = `name: a
nodes: { count: 2 }
phases:
  - { name: fill, type: create-deployments, podsPerNode: 4, podsPerDeployment: 4, services: true }
  - { name: more, type: scale, of: fill, podsPerDeployment: 5 }
  - { name: gone, type: delete, what: deployments }
`;
    const { scenario } = parseScenario(text, 's.yaml', { sets: [] });
    expect(renderPlan(scenario).slice(5)).toEqual([
      'phase fill: create 2 Deployments with 8 pods, a Service each, 10 requests/s',
      '  4 requests at µs 0 100000 200000 300000',
      'service hollow-1/fill-00001',
      'deployment hollow-1/fill-00001 × 4',
      'service hollow-1/fill-00002',
      'deployment hollow-1/fill-00002 × 4',
      'phase more: scale the Deployments of fill to 5 pods each, 10 requests/s',
      '  2 requests at µs 0 100000',
      expect.stringMatching(/^phase gone: delete deployments/),
      '  4 requests at µs 0 100000 200000 300000',
    ]);
  });

  test('lists every object', () => {
    const text = `name: a
nodes: { count: 2, labels: { tier: a } }
namespaces: { count: 2, prefix: ns }
phases:
  - { name: fill, type: create-deployments, podsPerNode: 3, podsPerDeployment: 4, pacing: { strategy: constant-rate, requestsPerSecond: 2 } }
  - { name: wait, type: wait, for: pods-started, timeout: 90s }
  - { name: more, type: scale, of: fill, podsPerDeployment: 5 }
  - { name: quiet, type: steady, duration: 2s, listsPerSecond: 1 }
  - { name: lat, type: latency-pods, count: 3, deleteAfterStart: false, pacing: { strategy: burst, size: 2, every: 1s } }
  - { name: gone, type: delete, what: deployments }
  - { name: all, type: delete }
`;
    const { scenario } = parseScenario(text, 's.yaml', { sets: [] });
    expect(renderPlan(scenario)).toEqual([
      'seed "1"',
      `runtime containerd ${JSON.stringify(loadRuntimeProfile('containerd'))}`,
      'node hollow-00001 100.64.0.1 {"capacity":{"cpu":"8","memory":"32Gi","pods":"110","ephemeral-storage":"100Gi"},"labels":{"tier":"a","hollowmark.dev/run":"(run)"},"taints":[]}',
      'node hollow-00002 100.64.0.2 {"capacity":{"cpu":"8","memory":"32Gi","pods":"110","ephemeral-storage":"100Gi"},"labels":{"tier":"a","hollowmark.dev/run":"(run)"},"taints":[]}',
      'namespace ns-1',
      'namespace ns-2',
      'phase fill: create 2 Deployments with 6 pods, 2 requests/s',
      '  2 requests at µs 0 500000',
      'deployment ns-1/fill-00001 × 4',
      'deployment ns-2/fill-00002 × 2',
      'phase wait: wait for pods-started, 1m30s at most',
      'phase more: scale the Deployments of fill to 5 pods each, 10 requests/s',
      '  2 requests at µs 0 100000',
      'phase quiet: steady for 2s with 1 lists/s',
      '  2 requests at µs 0 1000000',
      'phase lat: create 3 latency pods, 2 at once every 1s',
      '  3 requests at µs 0 0 1000000',
      'pod ns-1/lat-00001',
      'pod ns-2/lat-00002',
      'pod ns-1/lat-00003',
      'phase gone: delete deployments, 10 requests/s, then wait 10m at most',
      '  2 requests at µs 0 100000',
      'phase all: delete everything, 10 requests/s, then wait 10m at most',
      '  3 requests at µs 0 100000 200000',
    ]);
    expect(summariseScenario(scenario)[0]).toBe(
      'a: 2 nodes (cpu 8, memory 32Gi, pods 110, ephemeral-storage 100Gi, with proxies), 2 namespaces, seed "1"',
    );
  });
});

describe('nodes', () => {
  test('are what a hollow kubelet takes, with unique names and addresses', () => {
    const scenario = defaultScenario({ nodes: 20_000, proxies: true });
    const nodes: NodeConfig[] = nodeConfigs(scenario, 'v1.36.3', 'run-1');
    expect(nodes[0]).toEqual({
      name: 'hollow-00001',
      capacity: { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' },
      labels: { 'hollowmark.dev/run': 'run-1' },
      taints: [],
      address: '100.64.0.1',
      kubeletVersion: 'v1.36.3',
    });
    expect(new Set(nodes.map((node) => node.name)).size).toBe(20_000);
    expect(new Set(nodes.map((node) => node.address)).size).toBe(20_000);
  });

  test('have addresses within 100.64.0.0/10', () => {
    expect([0, 253, 254, 254 * 256, 254 * (1 << 14) - 1].map(nodeAddress)).toEqual([
      '100.64.0.1',
      '100.64.0.254',
      '100.64.1.1',
      '100.65.0.1',
      '100.127.255.254',
    ]);
    expect(() => nodeAddress(254 * (1 << 14))).toThrow('invariant broken');
  });
});
