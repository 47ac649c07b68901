import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shard } from '../../src/fleet/shard.ts';
import { type AuditLine, TestControlPlane, deployment, eventually, testNodes } from './support.ts';

/**
 * The requests of one hollow node, counted in the API server's audit log, against the columns of a real node in
 * shared/kubelet-wire.md: 20 pods at once on one node, ± 10 %.
 */
const pods = 20;
const measured = {
  start: { getPod: 3.0, patchStatus: 3.0, postEvents: 3.0, token: 1.0, deletePod: 0 },
  delete: { getPod: 3.25, patchStatus: 2.0, postEvents: 1.0, token: 0, deletePod: 1.0 },
};

type Row = { getPod: number; patchStatus: number; postEvents: number; token: number; deletePod: number };

function perPod(lines: AuditLine[]): Row {
  const count = (verb: string, resource: string, subresource = ''): number =>
    lines.filter(
      (line) =>
        line.user.username === 'system:node:hollow-1' &&
        line.verb === verb &&
        line.objectRef?.resource === resource &&
        (line.objectRef.subresource ?? '') === subresource &&
        (line.responseStatus?.code ?? 0) < 300,
    ).length / pods;
  return {
    getPod: count('get', 'pods'),
    patchStatus: count('patch', 'pods', 'status'),
    postEvents: count('create', 'events'),
    token: count('create', 'serviceaccounts', 'token'),
    deletePod: count('delete', 'pods'),
  };
}

function expectWithin10Percent(actual: Row, expected: Row): void {
  for (const [row, value] of Object.entries(expected) as [keyof Row, number][]) {
    expect(actual[row], row).toBeGreaterThanOrEqual(value * 0.9);
    expect(actual[row], row).toBeLessThanOrEqual(value * 1.1);
  }
}

const uris = (lines: AuditLine[], user: string, verb: string): string[] => [
  ...new Set(
    lines
      .filter((line) => line.user.username === user && line.verb === verb)
      .map((line) =>
        decodeURIComponent(line.requestURI)
          .replace(/timeoutSeconds=\d+/, 'timeoutSeconds=N')
          .replace(/timeout=[\dms]+&/, 'timeout=T&'),
      ),
  ),
];

const streamingList = 'resourceVersionMatch=NotOlderThan&sendInitialEvents=true';

describe('one hollow node on a real control plane', () => {
  let cluster: TestControlPlane;
  let shard: Shard;
  let startLines: AuditLine[];
  let deleteLines: AuditLine[];
  let bringUpLines: AuditLine[];
  const podStatuses: unknown[] = [];

  beforeAll(async () => {
    cluster = await TestControlPlane.start({ audit: true });
    shard = cluster.shard(testNodes(1));
    await shard.start();
    await eventually('the node is Ready', () => shard.report().totals.nodesReady === 1);
    // The lease comes 10 s after the start, its first renewal 10 s later.
    await eventually(
      'the lease is renewed',
      () =>
        cluster
          .auditLines()
          .some((line) => line.verb === 'update' && line.user.username === 'system:node:hollow-1'),
      40_000,
    );
    bringUpLines = cluster.auditLines();
    await cluster.admin.call(
      'POST',
      '/apis/apps/v1/namespaces/default/deployments',
      deployment('plain', pods),
    );
    await eventually('the pods run', () => shard.report().totals.podsStarted === pods);
    await eventually('the API server has said so', async () => {
      const list = await cluster.admin.call<{ items: { status: { phase: string } }[] }>(
        'GET',
        '/api/v1/namespaces/default/pods',
      );
      podStatuses.splice(0, podStatuses.length, ...list.body.items.map((pod) => pod.status));
      return list.body.items.every((pod) => pod.status.phase === 'Running');
    });
    startLines = cluster.auditLines().slice(bringUpLines.length);
    await cluster.admin.call('DELETE', '/apis/apps/v1/namespaces/default/deployments/plain');
    await eventually('the pods are gone', () => shard.report().totals.podsDeleted === pods);
    deleteLines = cluster.auditLines().slice(bringUpLines.length + startLines.length);
  });

  afterAll(async () => {
    shard?.stop();
    await cluster?.stop();
  });

  it('sends per started pod what a real node sends, within 10 %', () => {
    expectWithin10Percent(perPod(startLines), measured.start);
  });

  it('sends per deleted pod what a real node sends, within 10 %', () => {
    expectWithin10Percent(perPod(deleteLines), measured.delete);
  });

  it('holds the watches of a kubelet, as streaming lists with bookmarks', () => {
    const node = 'system:node:hollow-1';
    expect(uris(bringUpLines, node, 'watch').toSorted()).toEqual(
      [
        `/api/v1/services?allowWatchBookmarks=true&fieldSelector=spec.clusterIP!=None&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
        `/api/v1/nodes?allowWatchBookmarks=true&fieldSelector=metadata.name=hollow-1&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
        `/apis/storage.k8s.io/v1/csidrivers?allowWatchBookmarks=true&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
        `/apis/node.k8s.io/v1/runtimeclasses?allowWatchBookmarks=true&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
        `/api/v1/pods?allowWatchBookmarks=true&fieldSelector=spec.nodeName=hollow-1&${streamingList}&timeoutSeconds=N&watch=true`,
      ].toSorted(),
    );
    expect(uris(startLines, node, 'watch')).toEqual([
      `/api/v1/namespaces/default/configmaps?allowWatchBookmarks=true&fieldSelector=metadata.name=kube-root-ca.crt&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
    ]);
  });

  it('holds the watches of a kube-proxy under its own identity', () => {
    expect(uris(bringUpLines, 'system:kube-proxy', 'watch').toSorted()).toEqual(
      [
        `/apis/networking.k8s.io/v1/servicecidrs?allowWatchBookmarks=true&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
        `/api/v1/services?allowWatchBookmarks=true&fieldSelector=spec.clusterIP!=None&labelSelector=!service.kubernetes.io/service-proxy-name&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
        `/apis/discovery.k8s.io/v1/endpointslices?allowWatchBookmarks=true&labelSelector=!service.kubernetes.io/headless&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
        `/api/v1/nodes?allowWatchBookmarks=true&fieldSelector=metadata.name=hollow-1&${streamingList}&timeout=T&timeoutSeconds=N&watch=true`,
      ].toSorted(),
    );
    expect(uris(bringUpLines, 'system:kube-proxy', 'create')).toEqual([
      '/apis/events.k8s.io/v1/namespaces/default/events',
    ]);
  });

  it('registers as a real node does', () => {
    const sent = bringUpLines
      .filter((line) => line.user.username === 'system:node:hollow-1' && line.verb !== 'watch')
      .map((line) => `${line.verb} ${line.requestURI} ${line.responseStatus?.code}`);
    const lease = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    expect(sent).toContain('get /apis/storage.k8s.io/v1/csinodes/hollow-1?resourceVersion=0 404');
    expect(sent).toContain('get /api/v1/nodes/hollow-1 404');
    expect(sent).toContain(
      'deletecollection /apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName%3Dhollow-1 200',
    );
    expect(sent).toContain('create /api/v1/nodes 201');
    expect(sent).toContain('get /api/v1/nodes/hollow-1?timeout=10s 200');
    expect(
      sent.filter((line) => line === 'patch /api/v1/nodes/hollow-1/status?timeout=10s 200'),
    ).toHaveLength(2);
    expect(sent).toContain('create /apis/storage.k8s.io/v1/csinodes 201');
    expect(sent).toContain(`get ${lease}/hollow-1?timeout=10s 404`);
    expect(sent).toContain(`create ${lease}?timeout=10s 201`);
    expect(sent.some((line) => line.startsWith(`update ${lease}/hollow-1?timeout=10s 200`))).toBe(true);
    expect(sent.filter((line) => line.startsWith('create /api/v1/namespaces/default/events'))).toHaveLength(
      7,
    );
    expect(sent.filter((line) => line.startsWith('patch /api/v1/namespaces/default/events'))).toHaveLength(6);
    expect(sent.filter((line) => / [45]\d\d$/.test(line) && !line.endsWith(' 404'))).toEqual([]);
  });

  it('gives every pod an address of its own from the pod CIDR, and the kubelet fields of a real one', () => {
    const ips = podStatuses.map((status) => (status as { podIP: string }).podIP);
    expect(new Set(ips).size).toBe(pods);
    expect(ips.every((ip) => ip.startsWith('10.128.'))).toBe(true);
    expect(Object.keys(podStatuses[0] as object).toSorted()).toEqual(
      [
        'allocatedResources',
        'conditions',
        'containerStatuses',
        'hostIP',
        'hostIPs',
        'observedGeneration',
        'phase',
        'podIP',
        'podIPs',
        'qosClass',
        'resources',
        'startTime',
      ].toSorted(),
    );
  });
});
