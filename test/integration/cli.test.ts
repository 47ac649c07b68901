import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readResult } from '../../src/result/read.ts';
import { readOpenmetrics } from '../unit/report/openmetrics-reader.ts';
import { CliRun } from './cli-run.ts';
import { deployment, eventually } from './support.ts';

const scenario = `name: small
nodes: {count: 20}
namespaces: {count: 2}
phases:
  - {type: create-deployments, name: fill, podsPerNode: 5, podsPerDeployment: 25, pacing: {strategy: constant-rate, requestsPerSecond: 10}}
  - {type: wait, name: filled, for: pods-started, timeout: 2m}
  - {type: latency-pods, name: latency, count: 10, pacing: {strategy: constant-rate, requestsPerSecond: 10}}
  - {type: delete, name: clean-up, what: everything, timeout: 2m}
`;

describe('the command line, as a user has it', () => {
  let cli: CliRun;

  beforeEach(() => {
    cli = new CliRun({ 'small.yaml': scenario });
  });

  afterEach(() => {
    expect(cli.processes()).toEqual([]);
    expect(cli.temporaryFiles()).toEqual([]);
    cli.remove();
  });

  it('runs a scenario from nothing to a report', async () => {
    const args = ['run', 'small.yaml', '--out', 'out', '--seed', 'abc'];
    const { code, stdout, stderr } = await cli.finish(...args);
    // 10 latency pods are too few for a p99: inconclusive, or invalid on a machine that is busy.
    expect(code, stderr).toBe(5);
    expect(stdout).toContain('report: ');
    const result = readResult(join(cli.dir, 'out/result.json'));
    expect(result.run).toMatchObject({ scenario: 'small', seed: 'abc' });
    expect(result.nodes).toMatchObject({ requested: 20, ready: 20, notReadyEvents: 0 });
    expect(result.pods).toMatchObject({ created: 110, started: 110, deleted: 110, failed: 0 });
    expect(result.failures).toEqual([]);
    expect(result.run.phases.map(({ outcome }) => outcome)).toEqual(Array(4).fill('completed'));
    for (const id of [
      'pod-startup',
      'pod-startup-precise',
      'pod-startup-phase',
      'pod-startup-span',
      'api-call',
      'api-call-server',
    ]) {
      expect(result.slis.filter((sli) => sli.id === id && sli.count > 0).length, id).toBeGreaterThan(0);
    }
    expect(Object.keys(result.cluster.flags)).toHaveLength(4);
    expect(result.cluster.flags['kube-apiserver']?.join(' ')).toContain('--authorization-mode=Node,RBAC');
    const names = result.resources.controlPlane.map(({ name }) => name).toSorted();
    expect(names).toEqual(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler']);
    expect(result.resources.harness.every(({ cpuSeconds }) => cpuSeconds > 0)).toBe(true);
    expect(readdirSync(join(cli.dir, 'out')).toSorted()).toEqual([
      'charts',
      'junit.xml',
      'plan.txt',
      'report.html',
      'result.json',
    ]);

    const others = await cli.finish('report', 'out', '--out', 'others', '--format', 'perfdash,openmetrics');
    expect(others.code, others.stderr).toBe(0);
    readOpenmetrics(readFileSync(join(cli.dir, 'others/openmetrics.txt'), 'utf8'));
    const startup = readdirSync(join(cli.dir, 'others/perfdash')).find((name) =>
      name.startsWith('PodStartupLatency_PodStartupLatency_small_'),
    );
    const text = readFileSync(join(cli.dir, 'others/perfdash', startup ?? ''), 'utf8');
    const { dataItems } = JSON.parse(text) as { dataItems: { labels: { Metric: string } }[] };
    expect(dataItems.map(({ labels }) => labels.Metric)).toEqual([
      'create_to_schedule',
      'schedule_to_run',
      'run_to_watch',
      'schedule_to_watch',
      'pod_startup',
    ]);

    const again = await cli.finish('report', 'out/result.json', '--out', 'again');
    expect(again.code).toBe(0);
    expect(readFileSync(join(cli.dir, 'again/report.html'), 'utf8')).toBe(
      readFileSync(join(cli.dir, 'out/report.html'), 'utf8'),
    );
  });

  it('leaves a hollow cluster up for clients of others, and nothing after Ctrl-C', async () => {
    const up = cli.start('up', '--nodes', '5', '--kubeconfig-out', 'hollow.kubeconfig');
    await eventually('the cluster is ready', () => up.output().split('\n').includes('ready'));
    const kubeconfig = join(cli.dir, 'hollow.kubeconfig');
    expect(statSync(kubeconfig).mode & 0o777).toBe(0o600);
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const core = config.makeApiClient(CoreV1Api);
    const nodes = await core.listNode();
    expect(nodes.items).toHaveLength(5);
    expect(nodes.items[0]?.status?.nodeInfo?.kubeletVersion).toBe('v1.36.3');
    await config
      .makeApiClient(AppsV1Api)
      .createNamespacedDeployment({ namespace: 'default', body: deployment('web', 10) as object });
    await eventually('its pods run', async () => {
      const pods = await core.listNamespacedPod({ namespace: 'default' });
      return pods.items.length === 10 && pods.items.every((pod) => pod.status?.phase === 'Running');
    });
    up.child.kill('SIGINT');
    expect(await up.exit).toEqual({ code: 130, signal: null });
    expect(existsSync(kubeconfig)).toBe(false);
  });

  it.each([
    [['run', 'nowhere.yaml'], 'nowhere.yaml'],
    [['run', 'small.yaml', '--nodes', '0'], '--nodes'],
    [['run', 'small.yaml', '--profile', 'light'], '--profile'],
    [['run', 'small.yaml', '--identity', 'none'], '--identity'],
    [['run', 'small.yaml', '--frobnicate'], 'frobnicate'],
    [['run', 'small.yaml', '--binaries', 'nowhere'], 'nowhere'],
    [['run', 'small.yaml', '--set', 'nodes.cout=3'], 'nodes.count'],
    [['validate', 'nowhere.yaml'], 'nowhere.yaml'],
    [['report', 'nowhere.json'], 'nowhere.json'],
    [['up', '--nodes', '1.5'], '--nodes'],
    [['up', '--kubeconfig-out', 'small.yaml'], 'there already'],
    [['walk'], 'walk'],
  ])('refuses %j with one message and exit code 2', async (args, named) => {
    const { code, stdout, stderr } = await cli.finish(...args);
    expect(code, stderr).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(named);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(readdirSync(cli.dir)).toEqual(['small.yaml']);
  });
});
