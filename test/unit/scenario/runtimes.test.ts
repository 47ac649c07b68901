import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { podObject } from '../../../src/load/objects.ts';
import { runtimeClassObject } from '../../../src/load/runtime-class.ts';
import { type LoadedScenario, loadScenario, parseScenario } from '../../../src/scenario/load-scenario.ts';
import { allTaints, nodeConfigs, nodeGroups } from '../../../src/scenario/nodes.ts';
import { planDeployments } from '../../../src/scenario/phases/plan.ts';
import { renderPlan, summariseScenario } from '../../../src/scenario/render-plan.ts';
import { runtimeClasses, runtimeNotes, runtimeSettings } from '../../../src/scenario/runtimes.ts';
import { refusal } from './refusal.ts';

const load = (
  parts: string,
  phases = '[{ type: wait, for: nodes-ready }]',
  sets: string[] = [],
): LoadedScenario => parseScenario(`name: a\n${parts}\nphases: ${phases}\n`, 's.yaml', { sets });
const refused = (parts: string, phases?: string): string => refusal(() => load(parts, phases)).message;

describe('groups', () => {
  const mixed = `nodes:
  count: 5
  labels: { tier: a }
  taints: [{ key: dedicated, effect: NoSchedule }]
  groups:
    - { name: win, count: 1, runtime: windows, taints: [{ key: slow, effect: PreferNoSchedule }] }
    - { name: vm, count: 1, runtime: hyper, capacity: { cpu: 32 }, labels: { tier: b } }`;
  const { scenario } = load(mixed);

  test('are the last of the nodes, and as the rest where they say nothing else', () => {
    const nodes = nodeConfigs(scenario, 'v1.36.3', 'run-1');
    expect(nodes.map(({ name, runtime }) => [name, runtime])).toEqual([
      ['hollow-00001', undefined],
      ['hollow-00002', undefined],
      ['hollow-00003', undefined],
      ['hollow-00004', 'windows'],
      ['hollow-00005', 'hyper'],
    ]);
    expect(nodes[3]).toMatchObject({
      capacity: { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' },
      labels: { tier: 'a', 'hollowmark.dev/run': 'run-1' },
      taints: [
        { key: 'dedicated', effect: 'NoSchedule' },
        { key: 'slow', effect: 'PreferNoSchedule' },
        { key: 'os', value: 'windows', effect: 'NoSchedule' },
      ],
    });
    expect(nodes[4]).toMatchObject({
      capacity: { cpu: '32', memory: '32Gi' },
      labels: { tier: 'b', 'hollowmark.dev/runtime': 'hyper' },
      taints: [{ key: 'dedicated', effect: 'NoSchedule' }],
    });
    expect(nodes[0]?.labels).not.toHaveProperty('hollowmark.dev/runtime');
  });

  test('have taints, those of their runtimes too, that the load tolerates', () => {
    expect(allTaints(scenario).map(({ key }) => key)).toEqual(['dedicated', 'slow', 'os']);
  });

  test('may be all nodes', () => {
    const all = load('nodes: { count: 2, groups: [{ name: a, count: 2, runtime: docker }] }').scenario;
    expect(nodeGroups(all.nodes).map(({ name }) => name)).toEqual(['a']);
  });

  test('stand in the plan and in the summary', () => {
    const plan = renderPlan(scenario);
    expect(plan.filter((line) => line.startsWith('runtime ')).map((line) => line.split(' ')[1])).toEqual([
      'containerd',
      'windows',
      'hyper',
    ]);
    expect(plan.find((line) => line.startsWith('node hollow-00004'))).toContain('"runtime":"windows"');
    expect(summariseScenario(scenario)[1]).toBe('  1 of them in the group win, with the runtime windows');
  });

  test.each([
    [
      'nodes: { count: 3, groups: [{ name: a, count: 2 }, { name: b, count: 2 }] }',
      's.yaml:2:28: nodes.groups have 4 nodes, but there are only 3 (nodes.count)',
    ],
    [
      'nodes: { count: 3, groups: [{ name: a, count: 1 }, { name: a, count: 1 }] }',
      's.yaml:2:60: nodes.groups[1].name is "a", as is that of nodes.groups[0]; each group needs its own',
    ],
    [
      'nodes: { count: 3, groups: [{ name: a, count: 1, capacity: { pods: 1.5 } }] }',
      's.yaml:2:68: nodes.groups[0].capacity.pods must be a whole number, not 1.5',
    ],
    [
      'nodes: { count: 3, groups: [{ name: a, count: 1, labels: { kubernetes.io/os: linux } }] }',
      's.yaml:2:60: a kubelet may not give itself the label "kubernetes.io/os": NodeRestriction forbids it',
    ],
    [
      'nodes: { count: 3, groups: [{ name: a, count: 1, runtimes: docker }] }',
      's.yaml:2:50: unknown key nodes.groups[0].runtimes; did you mean "runtime"?',
    ],
  ])('%s: refused', (parts, message) => {
    expect(refused(parts)).toBe(message);
  });

  test('the flag that makes the nodes too few is named', () => {
    const make = (): unknown =>
      parseScenario(
        'name: a\nnodes: { count: 9, groups: [{ name: a, count: 5 }] }\nphases: [{ type: wait, for: nodes-ready }]\n',
        's.yaml',
        { nodes: 4, sets: [] },
      );
    expect(refusal(make).message).toBe(
      '--nodes 4: nodes.groups have 5 nodes, but there are only 4 (nodes.count)',
    );
  });
});

describe('runtimes', () => {
  test.each([
    [
      'nodes: { count: 1, runtime: containred }',
      's.yaml:2:29: nodes.runtime must be a runtime, not "containred"; did you mean "containerd"?',
    ],
    [
      'nodes: { count: 1, groups: [{ name: a, count: 1, runtime: podman }] }',
      's.yaml:2:59: nodes.groups[0].runtime must be a runtime, not "podman"',
    ],
    [
      'nodes: { count: 1, runtime: mine }\nruntimes: { mine: { name: mine, figures: { startMs: { uniform: [3, 2] } } } }',
      's.yaml:3:19: runtimes.mine: figures.startMs cannot be sampled: uniform goes from 3 down to 2',
    ],
    ['nodes: { count: 1, runtime: ./none.json }', './none.json: there is no such file'],
  ])('%s: refused', (parts, message) => {
    expect(refused(parts).replace(`${process.cwd()}/`, './')).toBe(message);
  });

  test('of a file stand in the document, which from then on needs no file', () => {
    const dir = mkdtempSync(join(tmpdir(), 'hollowmark-runtimes-'));
    afterAll(() => rmSync(dir, { recursive: true, force: true }));
    const file = join(dir, 's.yaml');
    writeFileSync(
      file,
      'name: a\nnodes: { count: 1, runtime: ./mine.json }\nphases: [{ type: wait, for: nodes-ready }]\n',
    );
    const profile = { name: 'mine', extends: 'containerd', figures: { startMs: { constant: 7 } } };
    writeFileSync(join(dir, 'mine.json'), JSON.stringify(profile));
    const first = loadScenario(file, { sets: [] });
    expect(first.scenario.runtimes['./mine.json']).toMatchObject({ name: 'mine', startMs: { constant: 7 } });
    rmSync(join(dir, 'mine.json'));
    const again = parseScenario(JSON.stringify(first.document), 'result.json', { sets: [] });
    expect(again.scenario).toEqual(first.scenario);
    expect(renderPlan(again.scenario)).toEqual(renderPlan(first.scenario));
  });

  test('that are estimates are noted', () => {
    const { scenario } = load('nodes: { count: 2, groups: [{ name: a, count: 1, runtime: docker }] }');
    expect(runtimeNotes(scenario)).toEqual([
      'The times of the container runtime docker are estimates, not measurements: startup shows what the control plane adds to them.',
    ]);
  });
});

describe('RuntimeClasses', () => {
  const nodes = 'nodes: { count: 4, capacity: { cpu: 1 }, groups: [{ name: vm, count: 2, runtime: hyper }] }';
  const phases = (podsPerNode: number, cpu: string): string =>
    `[{ name: fill, type: create-deployments, podsPerNode: ${podsPerNode}, runtimeClass: hyper, requests: { cpu: ${cpu} } }]`;

  test('are made for the runtimes that nodes have and that are chosen so', () => {
    const { scenario } = load(nodes);
    const [hyper] = runtimeClasses(scenario);
    expect(runtimeClassObject(hyper as never, { runId: 'run-1', confined: false })).toEqual({
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'hyper', labels: { 'hollowmark.dev/run': 'run-1' } },
      handler: 'hyper',
      overhead: { podFixed: { cpu: '250m', memory: '160Mi' } },
      scheduling: { nodeSelector: { 'hollowmark.dev/runtime': 'hyper' } },
    });
    expect(runtimeClasses(load('nodes: { count: 1 }').scenario)).toEqual([]);
  });

  test('are the run’s own where others use the cluster too, and so are those of its pods', () => {
    const { scenario } = load(nodes);
    const [hyper] = runtimeClasses(scenario);
    const context = { runId: '20261121-120000-x-3f9c', confined: true, tolerations: [] };
    expect(runtimeClassObject(hyper as never, context)).toMatchObject({
      metadata: { name: 'hyper-3f9c', labels: { 'hollowmark.dev/run': context.runId } },
      handler: 'hyper',
      scheduling: { nodeSelector: { 'hollowmark.dev/runtime': 'hyper' } },
    });
    const shape = { image: 'i', requests: {}, runtimeClass: 'hyper' };
    const plan = { namespace: 'a', name: 'p', phase: 'lat', shape };
    expect(podObject(plan, context)).toMatchObject({ spec: { runtimeClassName: 'hyper-3f9c' } });
  });

  test('are what the pods of a phase are of', () => {
    const { scenario } = load(nodes, phases(1, '100m'));
    const [fill] = scenario.phases;
    if (fill?.type !== 'create-deployments') throw new Error('no such phase');
    expect(planDeployments(scenario, fill).plans[0]?.shape).toMatchObject({ runtimeClass: 'hyper' });
  });

  test('their pods have to fit on the nodes that run them, with their overhead', () => {
    // Two nodes of one core each: 250m + 250m makes two pods a node.
    expect(load(nodes, phases(1, '250m')).warnings).toEqual([]);
    expect(refused(nodes, phases(1.25, '250m'))).toContain(
      'phases[0].podsPerNode: 5 pods of 500m cpu are more than the 4 that 2 nodes hold (1 each)',
    );
    expect(refused(nodes, phases(1, '800m'))).toContain(
      'phases[0].requests.cpu is 800m with the overhead of its RuntimeClass, but a node has 1',
    );
  });

  test('without nodes that run their pods are refused', () => {
    expect(refused('nodes: { count: 1 }', phases(1, '1m'))).toBe(
      's.yaml:3:80: phases[0].runtimeClass: no node runs pods of the RuntimeClass "hyper"',
    );
    expect(refused(nodes, phases(1, '1m').replace('hyper', 'hiper'))).toContain('did you mean "hyper"?');
  });
});

describe('images', () => {
  test('of the load are on every node, unless they are said not to be or cannot be had', () => {
    const { scenario } = load(
      `nodes: { count: 1 }
images:
  app:1: { size: 300Mi, layers: 5, present: false }
  app:2: { fails: NotFound }
  tool:1: { present: true }
  other:1: { size: 5M }`,
      '[{ type: latency-pods, count: 1 }, { type: latency-pods, count: 1, image: "app:1" }, { type: latency-pods, count: 1, image: "app:2" }]',
    );
    expect(runtimeSettings(scenario)).toMatchObject({
      presentImages: ['registry.k8s.io/pause:3.10', 'tool:1'],
      images: {
        'app:1': { sizeBytes: 300 * 1024 * 1024, layers: 5, present: false },
        'app:2': { fails: 'NotFound' },
        'other:1': { sizeBytes: 5e6 },
      },
    });
    expect(renderPlan(scenario)).toContain('image app:2 {"fails":"NotFound"}');
  });

  test.each([
    ['images: { "App:1": {} }', 'must be an image'],
    ['images: { app: { size: -1 } }', 'images.app.size must be a Kubernetes quantity'],
    ['images: { app: { fails: Found } }', 'images.app.fails must be NotFound or Unreachable, not "Found"'],
    ['images: { app: { layers: 0 } }', 'images.app.layers must be at least 1'],
  ])('%s: refused', (parts, message) => {
    expect(refused(`nodes: { count: 1 }\n${parts}`)).toContain(message);
  });
});
