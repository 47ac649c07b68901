import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import { LocalCluster } from '../../src/cluster/local-cluster.ts';
import { readResult } from '../../src/result/read.ts';
import type { RunResult } from '../../src/result/result.ts';
import { conductRun } from '../../src/scenario/conductor.ts';
import { parseScenario } from '../../src/scenario/load-scenario.ts';
import { CliRun } from './cli-run.ts';
import { type AuditLine, testOptions } from './support.ts';

const scenario = `name: tiny
nodes: { count: 3, labels: { topology.kubernetes.io/zone: a }, capacity: { cpu: 4, memory: 16Gi, pods: 40 } }
namespaces: { count: 2 }
phases:
  - { type: create-deployments, name: fill, podsPerNode: 4, podsPerDeployment: 2, pacing: { strategy: poisson, requestsPerSecond: 10 } }
  - { type: wait, for: pods-started, timeout: 2m }
  - { type: latency-pods, name: latency, count: 5, pacing: { strategy: poisson, requestsPerSecond: 10 } }
  - { type: delete }
`;

let cli: CliRun;
beforeAll(() => {
  cli = new CliRun({ 'tiny.yaml': scenario });
});
afterAll(() => cli.remove());

describe('a run is done again from its folder', () => {
  type Done = { plan: string; result: RunResult; stderr: string };
  const run = async (out: string, ...args: string[]): Promise<Done> => {
    const { code, stderr } = await cli.finish('run', ...args, '--out', out);
    // Too few samples for a verdict, or too busy a machine.
    expect(code, stderr).toBe(5);
    const plan = readFileSync(join(cli.dir, out, 'plan.txt'), 'utf8');
    return { plan, result: readResult(join(cli.dir, out)), stderr };
  };

  it('with the same plan, and with another seed another one', async () => {
    const first = await run('one', 'tiny.yaml', '--seed=seven', '--flags=default', '--set=nodes.count=4');
    expect(first.result.run.invocation).toMatchObject({ kubernetesVersion: 'v1.36.3', flags: 'default' });
    expect(first.plan).toMatch(/^seed "seven"\n[^]*^node hollow-00001 /m);
    rmSync(join(cli.dir, 'tiny.yaml'));

    const second = await run('two', '--again', 'one');
    expect(second.plan).toBe(first.plan);
    expect(second.stderr).not.toContain('warning: the ');
    for (const { run: again, cluster } of [second.result]) {
      expect(again.parameters).toEqual(first.result.run.parameters);
      expect(again.invocation).toEqual(first.result.run.invocation);
      expect(again.id).not.toBe(first.result.run.id);
      expect(cluster.profile).toBe('default');
    }

    const third = await run('three', '--again', 'two/result.json', '--seed', 'eight');
    expect(third.plan).not.toBe(first.plan);
    const objects = (plan: string): string[] =>
      plan.split('\n').filter((line) => /^(?:node|namespace|deployment|pod) /.test(line));
    expect(objects(third.plan)).toEqual(objects(first.plan));
    const times = (plan: string): string[] => plan.split('\n').filter((line) => line.includes('requests at'));
    expect(times(third.plan)).not.toEqual(times(first.plan));
  });
});

type Created = { nodes: unknown[]; deployments: unknown[]; pods: unknown[] };

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Request
    verbs: [create]
    resources: [{ group: '', resources: [nodes, pods] }, { group: apps, resources: [deployments] }]
  - level: None
`;

type Body = {
  metadata: { labels?: Record<string, string> };
  spec?: { replicas?: number; taints?: unknown };
  status?: { capacity?: unknown; addresses?: unknown };
};

/** What was asked of the API server in one run, in the order in which it came: run ids and times taken out. */
async function createdBy(name: string): Promise<Created> {
  const log = join(cli.dir, `${name}.log`);
  const policy = join(cli.dir, 'policy.yaml');
  writeFileSync(policy, auditPolicy);
  const loaded = parseScenario(scenario, 'tiny.yaml', { seed: 'seven', sets: [] });
  const { signal } = new AbortController();
  const runId = `again-${name}`;
  const outcome = await conductRun({
    wire: 'protobuf',
    loaded,
    runId,
    invocation: {
      kubernetesVersion: 'v1.36.3',
      flags: 'scale',
      profile: 'kubelet',
      identity: 'certificate',
    },
    openCluster: () =>
      LocalCluster.start(
        testOptions(join(cli.dir, name), {
          'kube-apiserver': [`--audit-policy-file=${policy}`, `--audit-log-path=${log}`],
        }),
        'certificate',
      ),
    children: { add: () => {}, remove: () => {} },
    clock: systemClock,
    signal,
    reporter: { ...silentReporter, status: () => {} },
  });
  expect(outcome.error).toBeUndefined();
  const lines = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditLine & { requestObject: Body })
    .toSorted((a, b) => a.requestReceivedTimestamp.localeCompare(b.requestReceivedTimestamp));
  const of = (resource: string): typeof lines =>
    lines.filter((line) => line.objectRef?.resource === resource);
  const named = (line: AuditLine): string =>
    (JSON.parse(JSON.stringify(line.objectRef)) as { name: string }).name;
  return {
    // Nodes register at once: they have no order.
    nodes: of('nodes')
      .map(({ requestObject: { metadata, spec, status } }) =>
        JSON.parse(
          JSON.stringify({ metadata, spec, status })
            .replaceAll(runId, 'RUN')
            .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME'),
        ),
      )
      .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    deployments: of('deployments').map((line) => [
      line.requestURI,
      named(line),
      line.requestObject.spec?.replicas,
    ]),
    // Those of Deployments are named by a controller.
    pods: of('pods')
      .filter((line) => !line.user.username.startsWith('system:serviceaccount:'))
      .map((line) => [line.requestURI, named(line)]),
  };
}

describe('two runs of one scenario and one seed', () => {
  it('create the same objects, with the same attributes, in the same order', async () => {
    const first = await createdBy('first');
    expect(first.nodes).toHaveLength(3);
    expect(first.deployments).toHaveLength(6);
    expect(first.pods).toHaveLength(5);
    expect(await createdBy('second')).toEqual(first);
  });
});
