import { describe, expect, test } from 'vitest';
import type { HollowmarkError } from '../../../src/base/errors.ts';
import { type ScenarioOverrides, parseScenario } from '../../../src/scenario/load-scenario.ts';
import type { Scenario } from '../../../src/scenario/scenario.ts';
import { refusal } from './refusal.ts';

const text = `name: demo
nodes: { count: 10, taints: [{ key: a, effect: NoSchedule }] }
phases:
  - { name: fill, type: create-deployments, podsPerNode: 2 }
  - { type: wait, for: pods-started }
  - { type: latency-pods, count: 100 }
  - { type: delete }
`;

const load = (overrides: Partial<ScenarioOverrides>): Scenario =>
  parseScenario(text, 's.yaml', { sets: [], ...overrides }).scenario;

const errorOf = (overrides: Partial<ScenarioOverrides>): HollowmarkError => refusal(() => load(overrides));

describe('--set', () => {
  const pick: [set: string, read: (scenario: Scenario) => unknown, value: unknown][] = [
    ['nodes.count=50', (s) => s.nodes.count, 50],
    ['seed=7', (s) => s.seed, '7'],
    ['seed="007"', (s) => s.seed, '007'],
    ['description=two words', (s) => s.description, 'two words'],
    ['nodes.proxies=false', (s) => s.nodes.proxies, false],
    ['nodes.capacity.cpu=16', (s) => s.nodes.capacity['cpu'], '16'],
    ['nodes.capacity.ephemeral-storage=5Gi', (s) => s.nodes.capacity['ephemeral-storage'], '5Gi'],
    ['nodes.capacity["nvidia.com/gpu"]=8', (s) => s.nodes.capacity['nvidia.com/gpu'], '8'],
    [
      "nodes.labels['topology.kubernetes.io/zone']=a",
      (s) => s.nodes.labels['topology.kubernetes.io/zone'],
      'a',
    ],
    [
      'nodes.labels[topology.kubernetes.io/zone]=a',
      (s) => s.nodes.labels['topology.kubernetes.io/zone'],
      'a',
    ],
    ['nodes.labels.tier="1"', (s) => s.nodes.labels['tier'], '1'],
    ['nodes.taints[0].effect=NoExecute', (s) => s.nodes.taints[0]?.effect, 'NoExecute'],
    ['nodes.taints=[]', (s) => s.nodes.taints, []],
    ['phases[0].podsPerNode=3', (s) => phase(s, 0, 'create-deployments').podsPerNode, 3],
    ['phases.0.podsPerNode=3', (s) => phase(s, 0, 'create-deployments').podsPerNode, 3],
    ['phases.fill.podsPerNode=3', (s) => phase(s, 0, 'create-deployments').podsPerNode, 3],
    ['phases[fill].podsPerNode=3', (s) => phase(s, 0, 'create-deployments').podsPerNode, 3],
    ['phases.latency-pods.count=200', (s) => phase(s, 2, 'latency-pods').count, 200],
    [
      'phases[2].pacing.requestsPerSecond=2.5',
      (s) => phase(s, 2, 'latency-pods').pacing,
      { strategy: 'constant-rate', requestsPerSecond: 2.5 },
    ],
    [
      'phases[2].pacing.strategy=poisson',
      (s) => phase(s, 2, 'latency-pods').pacing,
      { strategy: 'poisson', requestsPerSecond: 5 },
    ],
    [
      'phases[2].pacing={strategy: burst, size: 5}',
      (s) => phase(s, 2, 'latency-pods').pacing,
      { strategy: 'burst', size: 5, everyMs: 1000 },
    ],
    ['phases.wait.timeout=90s', (s) => phase(s, 1, 'wait').timeoutMs, 90_000],
    [
      'thresholds=[{sli: pod-startup, thresholdMs: 3000}]',
      (s) => s.thresholds,
      [{ sli: 'pod-startup', thresholdMs: 3000, labels: {}, quantile: 0.99 }],
    ],
    ['phases.wait.name=a=b', () => 'refused', 'refused'],
  ];
  test.each(pick.slice(0, -1))('%s', (set, read, value) => {
    expect(read(load({ sets: [set] }))).toEqual(value);
  });

  test('later ones win, and all win over --nodes', () => {
    expect(load({ nodes: 3, sets: ['nodes.count=4', 'nodes.count=5'] }).nodes.count).toBe(5);
    expect(load({ nodes: 3 }).nodes.count).toBe(3);
    expect(load({ seed: '42' }).seed).toBe('42');
  });

  test.each([
    ['nodes.cuont=50', '--set nodes.cuont=50: there is no setting nodes.cuont; the nearest is nodes.count'],
    ['node.count=50', '--set node.count=50: there is no setting node; the nearest is nodes'],
    ['nodes.count.max=50', '--set nodes.count.max=50: nodes.count is a single value and has no "max"'],
    [
      'phases.fil.podsPerNode=3',
      '--set phases.fil.podsPerNode=3: there is no phase "fil"; the nearest is phases.fill',
    ],
    ['phases[9].name=x', '--set phases[9].name=x: there is no phases[9]; phases has only [0] to [3]'],
    ['phases[1].podsPerNode=3', '--set phases[1].podsPerNode=3: there is no setting phases[1].podsPerNode'],
    [
      'thresholds[0].sli=api-call',
      '--set thresholds[0].sli=api-call: there is no thresholds[0]; thresholds is empty',
    ],
    [
      'nodes.taints.key=b',
      '--set nodes.taints.key=b: nodes.taints is a list: write nodes.taints[0], not "key"',
    ],
    ['nodes.count', '--set nodes.count: must be a path, "=" and a value'],
    ['=5', '--set =5: must be a path, "=" and a value'],
    ['.nodes=5', '--set .nodes=5: must be a path, "=" and a value'],
    ['nodes..count=5', '--set nodes..count=5: must be a path, "=" and a value'],
    ['nodes.count=', '--set nodes.count=: there is no value after "="'],
    [
      'nodes.count=[1',
      '--set nodes.count=[1: the value "[1" is not valid YAML: Flow sequence must end with a ]',
    ],
    // Faults of the value name the flag, not the file.
    ['nodes.count=0', '--set nodes.count=0: nodes.count must be at least 1, not 0'],
    ['nodes.count=ten', '--set nodes.count=ten: nodes.count must be a whole number, not "ten"'],
    [
      'phases[2].pacing.requestsPerSecond=-5',
      '--set phases[2].pacing.requestsPerSecond=-5: phases[2].pacing.requestsPerSecond must be greater than 0, not -5',
    ],
    [
      'phases[2].pacing={strategy: burst, siez: 5}',
      '--set phases[2].pacing={strategy: burst, siez: 5}: unknown key phases[2].pacing.siez; did you mean "size"?',
    ],
    [
      'phases.fill.podsPerNode=200',
      '--set phases.fill.podsPerNode=200: phases[0].podsPerNode: 2000 pods are more than the 1100 that 10 nodes hold (110 each)',
    ],
    [
      'nodes.capacity.pods=1',
      '--set nodes.capacity.pods=1: phases[0].podsPerNode: 20 pods are more than the 10 that 10 nodes hold (1 each)',
    ],
    [
      'phases.wait.name=a=b',
      `--set phases.wait.name=a=b: phases[1].name must be a DNS label: lower-case letters, digits and '-', a letter first, no '-' at the end, at most 40 characters, not "a=b"`,
    ],
    ['nodes.__proto__=5', '--set nodes.__proto__=5: there is no setting nodes["__proto__"]'],
  ])('%s is refused', (set, message) => {
    expect(errorOf({ sets: [set] }).message.replace('nodes.__proto__;', 'nodes["__proto__"]')).toBe(
      message.replace('nodes["__proto__"]', 'nodes.__proto__'),
    );
  });

  test('refusals of --nodes and --seed name them, and unknown settings list the known ones', () => {
    expect(errorOf({ nodes: 0 }).message).toBe('--nodes 0: nodes.count must be at least 1, not 0');
    expect(errorOf({ nodes: Number.NaN }).message).toBe(
      '--nodes NaN: nodes.count must be a whole number, not NaN',
    );
    expect(errorOf({ seed: '' }).message).toBe(
      '--seed : seed must be a text of 1 to 100 characters or a number, not ""',
    );
    expect(errorOf({ sets: ['namespaces.number=2'] }).hint).toBe('settings in namespaces: count, prefix');
  });

  test('a fault of the file itself names the file, whatever is set', () => {
    expect(() =>
      parseScenario(text.replace('count: 100', 'count: 0'), 's.yaml', { sets: ['nodes.count=5'] }),
    ).toThrow('s.yaml:6:34: phases[2].count must be at least 1, not 0');
  });
});

function phase<Type extends Scenario['phases'][number]['type']>(
  scenario: Scenario,
  index: number,
  type: Type,
): Extract<Scenario['phases'][number], { type: Type }> {
  const found = scenario.phases[index];
  if (found?.type !== type) throw new Error(`phases[${index}] is no ${type}`);
  return found as Extract<Scenario['phases'][number], { type: Type }>;
}
