import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shard } from '../../src/fleet/shard.ts';
import type { WireProfileName } from '../../src/hollow/wire-profile.ts';
import { type AuditLine, TestControlPlane, deployment, eventually, testNodes } from './support.ts';

/*
 * What nodes of each wire profile send, counted in the API server's own audit log, while every fiftieth answer comes
 * with a GOAWAY: a request that is lost, or sent twice, shows as a difference between its count and ours.
 */

const nodeCount = 10;
const podCount = 60;

type Pod = { metadata: { name: string }; spec: { nodeName: string }; status: { phase: string } };

let cluster: TestControlPlane;
const shards: Shard[] = [];

beforeAll(async () => {
  cluster = await TestControlPlane.start({
    audit: true,
    extraFlags: { 'kube-apiserver': ['--goaway-chance=0.02'] },
  });
});

afterAll(async () => {
  for (const shard of shards) shard.stop();
  await cluster?.stop();
});

const podsOf = async (app: string): Promise<Pod[]> =>
  (
    await cluster.admin.call<{ items: Pod[] }>(
      'GET',
      `/api/v1/namespaces/default/pods?labelSelector=app%3D${app}`,
    )
  ).body.items;

/** Nodes of a profile, with pods that come and go on them; what the audit log says of it, and the shard's own count. */
async function live(profile: WireProfileName): Promise<{ audit: AuditLine[]; calls: Map<string, number> }> {
  const calls = new Map<string, number>();
  const skipped = cluster.auditLines().length;
  const shard = cluster.shard(testNodes(nodeCount, profile), true, profile);
  shards.push(shard);
  await shard.start();
  const given = deployment(profile, podCount) as { spec: { template: { spec: object } } };
  Object.assign(given.spec.template.spec, { nodeSelector: { 'test.hollowmark.dev/set': profile } });
  const path = '/apis/apps/v1/namespaces/default/deployments';
  expect((await cluster.admin.call('POST', path, given)).status).toBe(201);
  await eventually('all pods are Running', async () => {
    const pods = await podsOf(profile);
    return pods.length === podCount && pods.every(({ status }) => status.phase === 'Running');
  });
  expect((await cluster.admin.call('DELETE', `${path}/${profile}`)).status).toBe(200);
  await eventually('all pods are gone', async () => (await podsOf(profile)).length === 0);
  // Until all that was asked has been answered and written down.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  shard.stop();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const users = /^(system:node:|system:kube-proxy|hollowmark-lite)/;
  for (const call of shard.drainStatistics(true).calls) {
    for (const [status, count] of Object.entries(call.statuses)) {
      const key = `${call.verb} ${call.resource}${call.subresource === '' ? '' : `/${call.subresource}`} ${status}`;
      calls.set(key, (calls.get(key) ?? 0) + count);
    }
  }
  const audit = cluster
    .auditLines()
    .slice(skipped)
    .filter(({ user }) => users.test(user.username));
  return { audit, calls };
}

const verbs: Readonly<Record<string, string>> = {
  get: 'GET',
  // A stream that is refused gives way to a plain list, as a kubelet's does that asks before the authorizer knows its pod.
  list: 'LIST',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETECOLLECTION',
};

/** The audit log's count of each request that has an answer. */
function counted(audit: readonly AuditLine[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { verb, objectRef, responseStatus, stage } of audit) {
    if (stage !== 'ResponseComplete' || verbs[verb] === undefined) continue;
    const resource = `${objectRef?.resource}${objectRef?.subresource === undefined ? '' : `/${objectRef.subresource}`}`;
    const key = `${verbs[verb]} ${resource} ${responseStatus?.code}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

const sorted = (counts: Map<string, number>): [string, number][] =>
  [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('wire profiles, under GOAWAY', () => {
  it('kubelet: each request is sent once and answered', async () => {
    const { audit, calls } = await live('kubelet');
    expect(sorted(calls)).toEqual(sorted(counted(audit)));
    // 0: no answer. 409: there already, as for a POST that is sent twice.
    expect([...calls.keys()].filter((key) => / 0$|^POST .* 409$/.test(key))).toEqual([]);
    expect(calls.get('POST serviceaccounts/token 201')).toBe(podCount);
    expect(calls.get('POST nodes 201')).toBe(nodeCount);
    expect(calls.get('DELETE pods 200')).toBe(podCount);
  });

  it('kubemark: no events but the proxies’, no ResourceSlices, nodes as kubemark has them', async () => {
    const { audit, calls } = await live('kubemark');
    expect(sorted(calls)).toEqual(sorted(counted(audit)));
    expect(calls.get('POST events 201')).toBe(nodeCount);
    expect(calls.get('POST serviceaccounts/token 201')).toBe(podCount);
    expect(calls.has('DELETECOLLECTION resourceslices 200')).toBe(false);
    expect(new Set(audit.map(({ user }) => user.username)).size).toBe(nodeCount + 1);
    const { body: node } = await cluster.admin.call<{
      spec: { providerID: string };
      status: { nodeInfo: { containerRuntimeVersion: string } };
    }>('GET', '/api/v1/nodes/kubemark-1');
    expect(node.spec.providerID).toBe('kubemark://kubemark-1');
    expect(node.status.nodeInfo.containerRuntimeVersion).toBe('fakeRuntime://0.1.0');
    // Instant starts: what changes before the first PATCH is answered goes out with the next.
    const patches = (calls.get('PATCH pods/status 200') ?? 0) / podCount;
    expect(patches).toBeLessThan(6);
  });

  it('lite: one identity, one watch of each kind, no GET before a PATCH', async () => {
    const { audit, calls } = await live('lite');
    expect(sorted(calls)).toEqual(sorted(counted(audit)));
    expect(new Set(audit.map(({ user }) => user.username))).toEqual(new Set(['hollowmark-lite']));
    expect(calls.has('GET pods 200')).toBe(false);
    expect(calls.has('POST events 201')).toBe(false);
    const watches = audit.filter(({ verb, stage }) => verb === 'watch' && stage === 'ResponseStarted');
    // pods, nodes, services twice (kubelet, proxy), csidrivers, runtimeclasses, endpointslices, servicecidrs, ConfigMap;
    // some anew, after a GOAWAY.
    expect(watches.length).toBeGreaterThanOrEqual(9);
    expect(watches.length).toBeLessThan(18);
  });
});
