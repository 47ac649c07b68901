import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';
import type { Figure, RunResult, Sli } from '../../src/result/result.ts';
import { CliRun } from './cli-run.ts';
import { type AuditLine, TestControlPlane } from './support.ts';

function readRun(command: CliRun): RunResult {
  return JSON.parse(readFileSync(join(command.dir, 'out/result.json'), 'utf8')) as RunResult;
}

const sliOf = (result: RunResult, id: string, labels: Record<string, string> = {}): Sli | undefined =>
  result.slis.find(
    (sli) => sli.id === id && Object.entries(labels).every(([name, value]) => sli.labels[name] === value),
  );
const figureOf = (result: RunResult, id: string): Figure | undefined =>
  result.figures.find((figure) => figure.id === id);

describe('scenarios/workloads.yaml', () => {
  const command = new CliRun({});
  let result: RunResult;

  beforeAll(async () => {
    const scenario = join(packageRoot, 'scenarios/workloads.yaml');
    const { code, stdout, stderr } = await command.finish(
      ...['run', scenario, '--out', 'out', '--skip-preflight'],
    );
    // What the SLOs and the validity of the figures come to on a busy machine is not looked at.
    expect([0, 3, 5], `${stdout}${stderr}`).toContain(code);
    result = readRun(command);
  });

  afterAll(() => command.remove());

  it('comes to the end of all its phases', () => {
    const broken = result.run.phases.filter(({ outcome }) => outcome !== 'completed');
    expect(broken).toEqual([]);
    expect(result.failures).toEqual([]);
    // 100 of the burst, 60 of Jobs, 18 of StatefulSets, 20 of claims.
    // Two Jobs are made so as to fail, with six pods each.
    expect(result.pods).toMatchObject({ created: 198, started: 198, deleted: 198, failed: 12 });
  });

  it('has Jobs that fail, each with as many pods as the others', () => {
    const jobs = result.inventory.workloads.filter(({ kind }) => kind === 'job');
    expect(jobs.map(({ pods }) => pods.total)).toEqual(Array.from({ length: 10 }, () => 6));
    expect(jobs.map(({ pods }) => pods.failed).toSorted((a, b) => a - b)).toEqual([
      ...Array.from({ length: 8 }, () => 0),
      ...[6, 6],
    ]);
  });

  it('times Jobs, and what they take beyond their pods', () => {
    const completion = sliOf(result, 'job-completion', { phase: 'jobs' });
    const overhead = sliOf(result, 'job-overhead', { phase: 'jobs' });
    expect([completion?.count, overhead?.count]).toEqual([8, 8]);
    expect(result.notes.filter((note) => note.includes('had not completed'))).toEqual([]);
    expect(completion?.p50).toBeGreaterThan(4_000_000);
    // Histograms have three digits.
    expect(((completion?.max ?? 0) - (overhead?.max ?? 0)) / 4_000_000).toBeCloseTo(1, 1);
  });

  it('times StatefulSets and claims', () => {
    expect(sliOf(result, 'statefulset-ready', { phase: 'sets' })?.count).toBe(6);
    expect(sliOf(result, 'claim-bound', { phase: 'claims' })?.count).toBe(20);
    // Pods that mount claims are stateful: reported, and not judged.
    const stateful = sliOf(result, 'pod-startup', { kind: 'pod', class: 'stateful' });
    // They are made once the observer has seen all claims bound; the scheduler may see that a little later.
    expect(stateful?.count).toBeGreaterThanOrEqual(18);
    expect(stateful?.count).toBeLessThanOrEqual(20);
    expect(stateful?.slo).toBeUndefined();
  });

  it('times the burst, until the last of its pods', () => {
    const figure = figureOf(result, 'burst-startup');
    expect(figure?.labels).toEqual({ phase: 'fill', pods: '100' });
    expect(figure?.value).toBeGreaterThan(500_000);
    // The burst's pods are all that Deployments have. Each counts from when it was seen, which is after the burst began.
    const slowest = sliOf(result, 'pod-startup-precise', { kind: 'deployment' })?.max ?? Number.NaN;
    expect((figure?.value ?? 0) * 1.001).toBeGreaterThanOrEqual(slowest);
  });

  it('times how nodes connect', () => {
    const registered = sliOf(result, 'node-connect', { phase: 'registered', start: 'first' });
    const ready = sliOf(result, 'node-connect', { phase: 'ready', start: 'first' });
    expect([registered?.count, ready?.count]).toEqual([20, 20]);
    expect(ready?.p50).toBeGreaterThan(registered?.p50 ?? 0);
    expect(sliOf(result, 'node-connect', { start: 'again' })).toBeUndefined();
  });

  it('saw an API server that was there all the time', () => {
    // On a machine that is too busy for the harness, it may be for the API server too.
    const valid = result.validity.verdict === 'valid';
    expect(figureOf(result, 'api-availability')?.value).toBeGreaterThanOrEqual(valid ? 0.95 : 0.9);
  });

  it('has each write of its own on the watches of all nodes', () => {
    const writes = figureOf(result, 'watch-delivery-writes')?.value ?? 0;
    expect(writes).toBeGreaterThanOrEqual(2);
    const missing = figureOf(result, 'watch-delivery-missing')?.value ?? Number.NaN;
    // As above: an event may come after the next write was due.
    if (result.validity.verdict === 'valid') expect(missing).toBe(0);
    for (const watcher of ['kubelet', 'kube-proxy']) {
      const delivery = sliOf(result, 'watch-delivery', { watcher });
      expect(delivery?.count).toBeGreaterThanOrEqual(20 * writes - missing);
    }
    const slowest = sliOf(result, 'watch-delivery-slowest');
    expect(slowest?.count).toBe(writes);
    expect(sliOf(result, 'watch-delivery-write')?.count).toBeGreaterThanOrEqual(writes);
  });

  it('programs nothing because of what it writes', () => {
    // The scenario has no Services: a sample would be the probe's.
    expect(sliOf(result, 'network-programming')).toBeUndefined();
  });
});

const guest = `name: guest
nodes: {count: 3, namePrefix: guest}
namespaces: {count: 2, prefix: guest}
phases:
  - {type: create-jobs, name: jobs, count: 2, completions: 2, duration: 1s}
  - {type: create-statefulsets, name: sets, count: 2, replicas: 2, podManagementPolicy: Parallel}
  - {type: create-volume-claims, name: claims, count: 4, pods: true}
  - {type: wait, name: complete, for: jobs-complete, timeout: 2m}
  - {type: wait, name: ready, for: statefulsets-ready, timeout: 2m}
  - {type: wait, name: bound, for: claims-bound, timeout: 2m}
  - {type: wait, name: started, for: pods-started, timeout: 2m}
`;

describe('workloads on a cluster of others', () => {
  let cp: TestControlPlane;
  const command = new CliRun({ 'guest.yaml': guest });
  let result: RunResult;
  let audit: AuditLine[];

  beforeAll(async () => {
    cp = await TestControlPlane.start({ audit: true });
    const { code, stdout, stderr } = await command.finish(
      ...['run', 'guest.yaml', '--kubeconfig', kubeconfig(), '--yes', '--out', 'out', '--skip-preflight'],
    );
    expect([0, 3, 5], `${stdout}${stderr}`).toContain(code);
    result = readRun(command);
    audit = cp.auditLines();
  });

  afterAll(async () => {
    command.remove();
    await cp?.stop();
  });

  function kubeconfig(): string {
    const { url, caPem } = cp.controlPlane.endpoint;
    const { certPem, keyPem } = cp.controlPlane.admin;
    const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
    const user = { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) };
    const path = join(command.dir, 'cluster.kubeconfig');
    const document = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': base64(caPem) } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(path, JSON.stringify(document));
    return path;
  }

  it('come to their end without a phase that deletes them', () => {
    expect(result.run.phases.map(({ name, outcome }) => `${name} ${outcome}`)).toEqual(
      ['jobs', 'sets', 'claims', 'complete', 'ready', 'bound', 'started'].map((name) => `${name} completed`),
    );
    expect(result.failures).toEqual([]);
    expect(sliOf(result, 'claim-bound')?.count).toBe(4);
  });

  it.each([
    '/apis/batch/v1/jobs',
    '/apis/apps/v1/statefulsets',
    '/apis/apps/v1/controllerrevisions',
    '/api/v1/persistentvolumeclaims',
    '/api/v1/persistentvolumes',
  ])('leave nothing behind at %s', async (path) => {
    expect((await cp.admin.call<{ items: unknown[] }>('GET', path)).body.items).toEqual([]);
  });

  it('leave no Service behind: the one that was watched is gone too', async () => {
    const path = '/api/v1/services?labelSelector=hollowmark.dev%2Frun';
    expect((await cp.admin.call<{ items: unknown[] }>('GET', path)).body.items).toEqual([]);
  });

  it('have each claim and its volume read by the kubelet of the pod, as the Node authorizer allows', () => {
    const reads = audit.filter(
      ({ verb, user, impersonatedUser, objectRef, responseStatus }) =>
        verb === 'get' &&
        (impersonatedUser ?? user).username.startsWith('system:node:') &&
        responseStatus?.code === 200 &&
        (objectRef?.resource === 'persistentvolumeclaims' || objectRef?.resource === 'persistentvolumes'),
    );
    const names = (resource: string): Set<string> =>
      new Set(
        reads
          .filter(({ objectRef }) => objectRef?.resource === resource)
          .map(({ objectRef }) => objectRef?.name ?? ''),
      );
    expect(names('persistentvolumeclaims').size).toBe(4);
    expect(names('persistentvolumes').size).toBe(4);
    // With each sync: the first one, and the one after the container has started.
    expect(reads.length).toBeGreaterThanOrEqual(2 * 2 * 4);
  });
});
