import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRuntimeProfile } from '../../../src/hollow/runtime/runtime-profile.ts';
import { loadScenario, parseScenario } from '../../../src/scenario/load-scenario.ts';
import { refusal } from './refusal.ts';

const minimal = 'name: small\nnodes: { count: 3 }\nphases: [{ type: steady, duration: 1s }]\n';

const errorOf = (text: string, sets: string[] = []): string =>
  refusal(() => parseScenario(text, 's.yaml', { sets })).message;

/** A scenario with these phases in flow style, each on its own line: phases[0] stands in line 4. */
const withPhases = (...phases: string[]): string =>
  `name: small\nnodes: { count: 10 }\nphases:\n${phases.map((phase) => `  - ${phase}`).join('\n')}\n`;

describe('defaults', () => {
  test('a minimal scenario gets every default', () => {
    const { scenario, warnings } = parseScenario(minimal, 's.yaml', { sets: [] });
    expect(scenario).toEqual({
      name: 'small',
      description: '',
      seed: '1',
      nodes: {
        count: 3,
        namePrefix: 'hollow',
        capacity: { cpu: '8', memory: '32Gi', pods: '110', 'ephemeral-storage': '100Gi' },
        labels: {},
        taints: [],
        groups: [],
        proxies: true,
      },
      runtimes: { containerd: loadRuntimeProfile('containerd') },
      images: {},
      namespaces: { count: 1, prefix: 'hollow' },
      controlPlane: { flags: 'scale', extraFlags: {} },
      phases: [{ type: 'steady', name: 'steady', durationMs: 1000, listsPerSecond: 0 }],
      thresholds: [],
      windows: { lengthMs: 300_000, stepMs: 60_000 },
    });
    expect(warnings).toEqual([]);
  });

  test('every phase and pacing gets its defaults', () => {
    const { scenario } = parseScenario(
      withPhases(
        '{ type: create-deployments, podsPerNode: 2 }',
        '{ type: create-deployments, podsPerNode: 1, pacing: { strategy: burst } }',
        '{ type: wait, for: pods-started }',
        '{ type: latency-pods, count: 100 }',
        '{ type: scale, of: create-deployments, podsPerDeployment: 1, pacing: { strategy: poisson } }',
        '{ type: delete }',
      ),
      's.yaml',
      { sets: [] },
    );
    const shape = { image: 'registry.k8s.io/pause:3.10', requests: { cpu: '5m', memory: '10Mi' } };
    const tenPerSecond = { strategy: 'constant-rate', requestsPerSecond: 10 };
    expect(scenario.phases).toEqual([
      {
        type: 'create-deployments',
        name: 'create-deployments',
        podsPerNode: 2,
        podsPerDeployment: 25,
        services: false,
        ...shape,
        failures: [],
        pacing: tenPerSecond,
      },
      {
        type: 'create-deployments',
        name: 'create-deployments-2',
        podsPerNode: 1,
        podsPerDeployment: 25,
        services: false,
        ...shape,
        failures: [],
        pacing: { strategy: 'burst', everyMs: 1000 },
      },
      { type: 'wait', name: 'wait', for: 'pods-started', timeoutMs: 600_000 },
      {
        type: 'latency-pods',
        name: 'latency-pods',
        count: 100,
        ...shape,
        pacing: { strategy: 'constant-rate', requestsPerSecond: 5 },
        deleteAfterStart: true,
        timeoutMs: 120_000,
      },
      {
        type: 'scale',
        name: 'scale',
        of: 'create-deployments',
        podsPerDeployment: 1,
        pacing: { strategy: 'poisson', requestsPerSecond: 10 },
      },
      { type: 'delete', name: 'delete', what: 'everything', pacing: tenPerSecond, timeoutMs: 600_000 },
    ]);
  });

  test('the scenario and its document are frozen to the last level', () => {
    const { scenario, document } = parseScenario(minimal, 's.yaml', { sets: [] });
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every((child) => frozen(child)));
    expect(frozen(scenario)).toBe(true);
    expect(frozen(document)).toBe(true);
  });

  test('two phases that share an alias are two phases', () => {
    const text =
      'name: a\nnodes: { count: 1 }\nphases:\n  - { type: latency-pods, count: 100, pacing: &p { strategy: poisson } }\n  - { type: latency-pods, count: 100, pacing: *p }\n';
    const { scenario } = parseScenario(text, 's.yaml', { sets: ['phases[0].pacing.requestsPerSecond=7'] });
    const rates = scenario.phases.map((phase) => 'pacing' in phase && phase.pacing);
    expect(rates).toEqual([
      { strategy: 'poisson', requestsPerSecond: 7 },
      { strategy: 'poisson', requestsPerSecond: 10 },
    ]);
  });
});

describe('shipped scenarios', () => {
  for (const name of ['quickstart', 'density', 'failures', 'workloads']) {
    const path = `scenarios/${name}.yaml`;

    test(`${name} loads without a warning, and names its schema for editors`, () => {
      const { scenario, warnings } = loadScenario(path, { sets: [] });
      expect(warnings).toEqual([]);
      expect(scenario.name).toBe(name);
      expect(readFileSync(path, 'utf8').split('\n')[0]).toBe(
        '# yaml-language-server: $schema=./scenario.schema.json',
      );
    });

    test(`${name}: the written-out document loads to the same scenario`, () => {
      const overrides = { nodes: 500, seed: '77', sets: ['phases.fill.podsPerNode=3'] };
      const first = loadScenario(path, overrides);
      const again = parseScenario(JSON.stringify(first.document), 'result.json', { sets: [] });
      expect(again.scenario).toEqual(first.scenario);
      expect(again.document).toEqual(first.document);
      expect(first.scenario.nodes.count).toBe(500);
    });
  }

  test('density takes the 30 pods a node that its description promises', () => {
    const { scenario, warnings } = loadScenario('scenarios/density.yaml', {
      sets: ['phases.fill.podsPerNode=30', 'namespaces.count=12'],
    });
    expect(warnings).toEqual([]);
    expect(scenario.description).toContain('--set phases.fill.podsPerNode=30 --set namespaces.count=12');
  });
});

describe('errors of the file itself', () => {
  const dir = mkdtempSync(join(tmpdir(), 'hollowmark-scenario-'));
  const file = (name: string, content: string | Buffer): string => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return path;
  };
  const messageOf = (path: string): string =>
    refusal(() => loadScenario(path, { sets: [] }))
      .message.replace(`${dir}/`, '')
      .replace(dir, 'DIR');

  test('say what is wrong with it', () => {
    expect(messageOf(join(dir, 'missing.yaml'))).toBe('missing.yaml: there is no such file');
    expect(messageOf(dir)).toBe('DIR: a folder, not a scenario file');
    expect(messageOf(file('empty.yaml', ''))).toBe('empty.yaml: the file is empty');
    expect(messageOf(file('blank.yaml', ' \n\n'))).toBe('blank.yaml: the file is empty');
    expect(messageOf(file('comment.yaml', '# nothing\n'))).toBe(
      'comment.yaml:1:1: a scenario must be a map, not nothing',
    );
    expect(messageOf(file('nul.yaml', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0])))).toBe(
      'nul.yaml: a binary file, not a scenario file',
    );
    expect(messageOf(file('latin1.yaml', Buffer.from([0x61, 0xe4, 0x62])))).toBe(
      'latin1.yaml: not UTF-8 text, so not a scenario file',
    );
    expect(messageOf(file('large.yaml', '#'.repeat(256 * 1024 + 1)))).toBe(
      'large.yaml: larger than 262 kB, so not a scenario file',
    );
    expect(messageOf(file('list.yaml', '- a\n'))).toBe('list.yaml:1:1: a scenario must be a map, not a list');
    rmSync(dir, { recursive: true });
  });

  test.each([
    ['name: a\nnodes: { count: 1 }\nname: b\n', 's.yaml:3:1: the key "name" stands twice in the same map'],
    ['name: a\n---\nname: b\n', 's.yaml:2:1: a second YAML document begins here; a scenario file holds one'],
    [
      'name: [a\n',
      's.yaml:2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['name: !env x\n', 's.yaml:1:7: not valid YAML: Unresolved tag: !env'],
    ['name: *nobody\n', 's.yaml:1:7: there is no anchor &nobody before this *nobody'],
    ['nodes: &a { count: *a }\n', 's.yaml: cannot be read as YAML: nested more than 50 levels deep'],
  ])('%j', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});

describe('errors in values', () => {
  test.each([
    // Missing and unknown keys.
    ['name: a\nphases: [{ type: delete }]\n', 's.yaml:1:1: the scenario has no "nodes"'],
    [
      'name: a\nnode: { count: 1 }\nphases: [{ type: delete }]\n',
      's.yaml:2:1: unknown key node; did you mean "nodes"?',
    ],
    [
      'name: a\nnodes: { cuont: 1 }\nphases: [{ type: delete }]\n',
      's.yaml:2:10: unknown key nodes.cuont; did you mean "count"?',
    ],
    ['name: a\nnodes: { size: 1 }\nphases: [{ type: delete }]\n', 's.yaml:2:10: unknown key nodes.size'],
    [withPhases('{ type: wait, until: pods-gone }'), 's.yaml:4:19: unknown key phases[0].until'],
    [
      withPhases('{ type: wait, for: pods-gone, duration: 5s }'),
      's.yaml:4:35: unknown key phases[0].duration',
    ],
    [withPhases('{ duration: 5s }'), 's.yaml:4:5: phases[0] has no "type"'],
    // Wrong words.
    [
      withPhases('{ type: latency-pod, count: 1 }'),
      's.yaml:4:13: phases[0].type must be create-deployments, create-jobs, create-statefulsets, create-volume-claims, wait, steady, latency-pods, scale, fail-nodes or delete, not "latency-pod"; did you mean "latency-pods"?',
    ],
    [
      withPhases('{ type: wait, for: ready }'),
      's.yaml:4:24: phases[0].for must be pods-started, pods-gone, nodes-ready, jobs-complete, statefulsets-ready or claims-bound, not "ready"',
    ],
    [
      withPhases('{ type: delete, pacing: { strategy: constant } }'),
      's.yaml:4:41: phases[0].pacing.strategy must be constant-rate, poisson or burst, not "constant"',
    ],
    // Wrong types.
    [
      'name: a\nnodes: { count: many }\nphases: [{ type: delete }]\n',
      's.yaml:2:17: nodes.count must be a whole number, not "many"',
    ],
    [
      'name: a\nnodes: { count: 1.5 }\nphases: [{ type: delete }]\n',
      's.yaml:2:17: nodes.count must be a whole number, not 1.5',
    ],
    [
      'name: a\nnodes: { count: .nan }\nphases: [{ type: delete }]\n',
      's.yaml:2:17: nodes.count must be a whole number, not NaN',
    ],
    [
      'name: a\nnodes: 100\nphases: [{ type: delete }]\n',
      's.yaml:2:8: nodes must be a map with at least a count, such as {count: 100}, not 100',
    ],
    [
      'name: a\nnodes: { count: 1 }\nphases: []\n',
      's.yaml:3:9: phases must be a list of 1 to 100 phases, each with a type, not an empty list',
    ],
    [
      'name: a\nnodes: { count: 1 }\nphases: { type: delete }\n',
      's.yaml:3:9: phases must be a list of 1 to 100 phases, each with a type, not a map',
    ],
    [
      'name: a\nnodes: { count: 1 }\nphases: [delete]\n',
      's.yaml:3:10: phases[0] must be a phase: a map with a type, not "delete"',
    ],
    [
      'name: a\nnodes: { count: 1, proxies: yes }\nphases: [{ type: delete }]\n',
      's.yaml:2:29: nodes.proxies must be true or false, not "yes"',
    ],
    [
      'name: a\nnodes: { count: 1, labels: { zone: 1 } }\nphases: [{ type: delete }]\n',
      `s.yaml:2:36: nodes.labels.zone must be a label value: a text (in quotes when it looks like a number or a boolean) of at most 63 letters, digits, '-', '_' and '.', not 1`,
    ],
    [
      'name: a\nnamespaces:\nnodes: { count: 1 }\nphases: [{ type: delete }]\n',
      's.yaml:2:12: namespaces must be a map such as {count: 4, prefix: load}, not nothing',
    ],
    [
      withPhases('{ type: steady, duration: 30 }'),
      's.yaml:4:31: phases[0].duration must be a duration such as 500ms, 30s, 5m or 1h30m, not 30',
    ],
    [
      withPhases('{ type: steady, duration: 5 min }'),
      's.yaml:4:31: phases[0].duration must be a duration such as 500ms, 30s, 5m or 1h30m, not "5 min"',
    ],
    // Impossible values.
    [
      'name: a\nnodes: { count: 0 }\nphases: [{ type: delete }]\n',
      's.yaml:2:17: nodes.count must be at least 1, not 0',
    ],
    [
      'name: a\nnodes: { count: 50001 }\nphases: [{ type: delete }]\n',
      's.yaml:2:17: nodes.count must be at most 50000, not 50001',
    ],
    [
      withPhases(
        '{ type: wait, for: pods-gone }',
        '{ type: latency-pods, count: 5, pacing: { strategy: poisson, requestsPerSecond: -1 } }',
      ),
      's.yaml:5:85: phases[1].pacing.requestsPerSecond must be greater than 0, not -1',
    ],
    [withPhases('{ type: steady, duration: 0s }'), 's.yaml:4:31: phases[0].duration must be longer than 0s'],
    [withPhases('{ type: steady, duration: 200h }'), 's.yaml:4:31: phases[0].duration must be at most 168h'],
    [
      withPhases('{ type: delete, pacing: { strategy: burst, every: 0ms } }'),
      's.yaml:4:55: phases[0].pacing.every must be longer than 0s',
    ],
    [
      withPhases('{ type: steady, duration: 100h, listsPerSecond: 10 }'),
      's.yaml:4:53: phases[0].listsPerSecond makes 3600000 requests; a phase may have 1000000',
    ],
    [
      'name: a\nnodes: { count: 1, capacity: { cpu: -4 } }\nphases: [{ type: delete }]\n',
      's.yaml:2:37: nodes.capacity.cpu must be a Kubernetes quantity such as 4, 500m, 32Gi or 1e3, and not negative, not -4',
    ],
    [
      'name: a\nnodes: { count: 1, capacity: { memory: 4GB } }\nphases: [{ type: delete }]\n',
      's.yaml:2:40: nodes.capacity.memory must be a Kubernetes quantity such as 4, 500m, 32Gi or 1e3, and not negative, not "4GB"',
    ],
    [
      'name: a\nnodes: { count: 1, capacity: { pods: 0 } }\nphases: [{ type: delete }]\n',
      's.yaml:2:38: nodes.capacity.pods must be greater than 0, not 0',
    ],
    [
      'name: a\nnodes: { count: 1, capacity: { pods: 1.5 } }\nphases: [{ type: delete }]\n',
      's.yaml:2:38: nodes.capacity.pods must be a whole number, not 1.5',
    ],
    // Names.
    [
      'name: My Test\nnodes: { count: 1 }\nphases: [{ type: delete }]\n',
      `s.yaml:1:7: name must be a DNS label: lower-case letters, digits and '-', a letter first, no '-' at the end, at most 40 characters, not "My Test"`,
    ],
    [
      'name: a\nnodes: { count: 1, namePrefix: node_ }\nphases: [{ type: delete }]\n',
      `s.yaml:2:32: nodes.namePrefix must be a DNS label: lower-case letters, digits and '-', a letter first, no '-' at the end, at most 40 characters, not "node_"`,
    ],
    [
      'name: a\nnodes: { count: 1, labels: { "a b": c } }\nphases: [{ type: delete }]\n',
      's.yaml:2:30: the key "a b" of nodes.labels is not a qualified name such as zone or topology.kubernetes.io/zone',
    ],
    [
      'name: a\nnodes: { count: 1, labels: { node-role.kubernetes.io/worker: "" } }\nphases: [{ type: delete }]\n',
      's.yaml:2:30: a kubelet may not give itself the label "node-role.kubernetes.io/worker": NodeRestriction forbids it',
    ],
    [
      withPhases('{ type: delete, name: a }', '{ type: delete, name: a }'),
      's.yaml:5:27: phases[1].name is "a", as is the name of phases[0]; each phase needs its own',
    ],
    [
      withPhases(
        '{ type: create-deployments, name: fill, podsPerNode: 1 }',
        '{ type: scale, of: fil, podsPerDeployment: 1 }',
      ),
      's.yaml:5:24: phases[1].of must name an earlier create-deployments phase, not "fil"; did you mean "fill"?',
    ],
    [
      withPhases('{ type: scale, of: fill, podsPerDeployment: 1 }'),
      's.yaml:4:24: phases[0].of must name an earlier create-deployments phase, not "fill"',
    ],
    // Thresholds.
    [`${minimal}thresholds: [{ sli: pod-startup }]\n`, 's.yaml:4:14: thresholds[0] has no "thresholdMs"'],
    [
      `${minimal}thresholds: [{ sli: pod-start, thresholdMs: 1 }]\n`,
      's.yaml:4:21: thresholds[0].sli must be pod-startup, pod-startup-precise, api-call, api-call-server, network-programming, network-programming-proxy, scheduling, scheduling-attempt, scheduling-extension-point, admission, admission-webhook, etcd-request, etcd-wal-fsync, etcd-backend-commit, priority-level-wait, priority-level-execution, api-probe, node-connect, watch-delivery, watch-delivery-slowest, job-completion, job-overhead, statefulset-ready or claim-bound, not "pod-start"; did you mean "pod-startup"?',
    ],
    [
      `${minimal}thresholds: [{ sli: api-call, thresholdMs: 1, quantile: 99 }]\n`,
      's.yaml:4:57: thresholds[0].quantile must be less than 1, not 99',
    ],
  ])('%j', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  test('the first in the file is reported, and unknown keys list the known ones', () => {
    expect(errorOf('name: 1\nnodes: { count: 0 }\nphases: [{ type: x }]\n')).toMatch(
      /^s\.yaml:1:7: name must be/,
    );
    const text = 'name: a\nnamespaces: { number: 2 }\nnodes: { count: 1 }\nphases: [{ type: delete }]\n';
    expect(refusal(() => parseScenario(text, 's.yaml', { sets: [] })).hint).toBe(
      'keys that are known here: count, prefix',
    );
  });
});

describe('capacity', () => {
  test.each([
    [
      withPhases('{ type: create-deployments, podsPerNode: 111 }'),
      's.yaml:4:46: phases[0].podsPerNode: 1110 pods are more than the 1100 that 10 nodes hold (110 each)',
    ],
    [
      withPhases(
        '{ type: create-deployments, podsPerNode: 100 }',
        '{ type: create-deployments, podsPerNode: 20 }',
      ),
      's.yaml:5:46: phases[1].podsPerNode: 1200 pods are more than the 1100 that 10 nodes hold (110 each)',
    ],
    [
      withPhases('{ type: create-deployments, podsPerNode: 3, requests: { cpu: 3 } }'),
      's.yaml:4:46: phases[0].podsPerNode: 30 pods of 3 cpu are more than the 20 that 10 nodes hold (8 each)',
    ],
    [
      withPhases(
        '{ type: create-deployments, podsPerNode: 2, requests: { memory: 10Gi } }',
        '{ type: create-deployments, podsPerNode: 3, requests: { memory: 5Gi } }',
      ),
      's.yaml:5:46: phases[1].podsPerNode: 50 pods ask for more memory than 10 nodes have for pods (32668Mi each)',
    ],
    [
      withPhases('{ type: latency-pods, count: 1, requests: { cpu: 9 } }'),
      's.yaml:4:54: phases[0].requests.cpu is 9, but a node has 8 for pods',
    ],
    [
      withPhases('{ type: latency-pods, count: 1, requests: { nvidia.com/gpu: 1 } }'),
      's.yaml:4:49: phases[0].requests["nvidia.com/gpu"]: no node has the resource nvidia.com/gpu',
    ],
    [
      withPhases('{ type: create-deployments, podsPerNode: 110 }', '{ type: latency-pods, count: 100 }'),
      's.yaml:5:34: phases[1].count: 1101 pods are more than the 1100 that 10 nodes hold (110 each)',
    ],
    [
      withPhases(
        '{ type: create-deployments, name: fill, podsPerNode: 10 }',
        '{ type: scale, of: fill, podsPerDeployment: 500 }',
      ),
      's.yaml:5:49: phases[1].podsPerDeployment: 2000 pods are more than the 1100 that 10 nodes hold (110 each)',
    ],
    [
      'name: a\nnodes: { count: 50000, capacity: { pods: 1000 } }\nphases: [{ type: create-deployments, podsPerNode: 30 }]\n',
      's.yaml:3:51: phases[0].podsPerNode makes 1500000 pods; a phase may have 1000000',
    ],
  ])('%j', (text, message) => {
    expect(errorOf(text)).toBe(message);
  });

  test('counts deletions, scaling down, and extended resources', () => {
    const text = withPhases(
      '{ type: create-deployments, name: a, podsPerNode: 100 }',
      '{ type: scale, of: a, podsPerDeployment: 0 }',
      '{ type: create-deployments, name: b, podsPerNode: 100 }',
      '{ type: latency-pods, name: c, count: 100, deleteAfterStart: false }',
      '{ type: delete, name: d, what: deployments }',
      '{ type: create-deployments, name: e, podsPerNode: 100 }',
      '{ type: delete, name: f }',
      '{ type: create-deployments, name: g, podsPerNode: 110, requests: { nvidia.com/gpu: 1 } }',
    );
    expect(() =>
      parseScenario(text, 's.yaml', { sets: ['nodes.capacity["nvidia.com/gpu"]=110'] }),
    ).not.toThrow();
    expect(
      errorOf(
        text
          .replace('what: deployments', 'what: everything')
          .replace('name: e, podsPerNode: 100', 'name: e, podsPerNode: 111'),
        ['nodes.capacity[nvidia.com/gpu]=110'],
      ),
    ).toContain('1110 pods are more than the 1100');
  });
});

describe('warnings', () => {
  const warningsOf = (text: string, sets: string[] = []): string[] =>
    parseScenario(text, 's.yaml', { sets }).warnings;

  test('beyond the promise of Kubernetes', () => {
    const text = 'name: a\nnodes: { count: 5001 }\nphases: [{ type: create-deployments, podsPerNode: 31 }]\n';
    expect(warningsOf(text)).toEqual([
      '5001 nodes: beyond the 5000 nodes up to which Kubernetes promises its SLOs',
      '155031 pods: beyond the 150000 pods up to which Kubernetes promises its SLOs',
      '155031 pods in each of 1 namespaces (namespaces.count): beyond the 3000 pods a namespace up to which Kubernetes promises its SLOs',
    ]);
    expect(warningsOf(text, ['nodes.count=5000', 'namespaces.count=60', 'phases[0].podsPerNode=30'])).toEqual(
      [],
    );
    expect(warningsOf(withPhases('{ type: create-deployments, podsPerNode: 100 }'))).toEqual([
      '100 pods a node: beyond the 80 pods a node (10 a core, 110 at most) up to which Kubernetes promises its SLOs',
    ]);
  });

  test('on latency pods', () => {
    expect(
      warningsOf(
        withPhases(
          '{ type: latency-pods, count: 99, pacing: { strategy: poisson, requestsPerSecond: 10.5 } }',
        ),
      ),
    ).toEqual([
      'phase latency-pods: 99 latency pods are too few to judge a p99; it takes 100',
      'phase latency-pods: a churn of 21/s is above the 20/s that the startup SLO presumes (creations and deletions together)',
    ]);
  });
});
