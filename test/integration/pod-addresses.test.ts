import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Shard } from '../../src/fleet/shard.ts';
import { CliRun } from './cli-run.ts';
import { TestControlPlane, deployment, eventually, testNodes } from './support.ts';

type Pod = {
  spec: { nodeName: string };
  status: { podIP?: string; podIPs?: { ip: string }[]; conditions: { type: string; status: string }[] };
};
type Slice = { addressType: string; endpoints?: { addresses: string[]; conditions: { ready: boolean } }[] };

/** A control plane that gives no node a range of addresses, as one below a CNI that has its own. */
const withoutRanges = { 'kube-controller-manager': ['--allocate-node-cidrs=false'] };

describe('where no controller gives nodes a spec.podCIDR', () => {
  let cluster: TestControlPlane;
  let shard: Shard;

  const podsOn = async (node: string): Promise<Pod[]> => {
    const { body } = await cluster.admin.call<{ items: Pod[] }>(
      'GET',
      `/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName%3D${node}`,
    );
    return body.items;
  };
  const isReady = ({ status }: Pod): boolean =>
    status.conditions.some(({ type, status: on }) => type === 'Ready' && on === 'True');
  const create = async (path: string, object: unknown): Promise<void> => {
    const { status, body } = await cluster.admin.call('POST', path, object);
    expect(status, JSON.stringify(body)).toBe(201);
  };

  beforeAll(async () => {
    cluster = await TestControlPlane.start({ extraFlags: withoutRanges });
    const [own, waiting] = testNodes(2);
    if (own === undefined || waiting === undefined) throw new Error('two nodes');
    shard = cluster.shard([{ ...own, ownPodRange: { cidr: '0.0.1.0/24', afterMs: 0 } }, waiting]);
    await shard.start();
    await create('/api/v1/namespaces/default/services', {
      metadata: { name: 'web' },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    });
    await create('/apis/apps/v1/namespaces/default/deployments', deployment('web', 8));
  });

  afterAll(async () => {
    shard?.stop();
    await cluster?.stop();
  });

  it('pods have addresses of their node’s own range, and are found behind Services', async () => {
    await eventually('they are Ready', async () => {
      const pods = await podsOn('hollow-1');
      return pods.length > 1 && pods.every(isReady);
    });
    const addresses = (await podsOn('hollow-1')).map(({ status }) => status.podIP ?? '').toSorted();
    expect(new Set(addresses).size).toBe(addresses.length);
    for (const address of addresses) expect(address).toMatch(/^0\.0\.1\.\d+$/);
    await eventually('they are endpoints', async () => {
      const selector = 'labelSelector=kubernetes.io%2Fservice-name%3Dweb';
      const { body } = await cluster.admin.call<{ items: Slice[] }>(
        'GET',
        `/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?${selector}`,
      );
      const ready = body.items
        .flatMap(({ endpoints }) => endpoints ?? [])
        .filter(({ conditions }) => conditions.ready);
      return addresses.every((address) => ready.some((endpoint) => endpoint.addresses[0] === address));
    });
  });

  it('pods wait where the node has none, and have one address of each range that it is given', async () => {
    expect((await podsOn('hollow-2')).filter(isReady)).toEqual([]);
    const podCIDRs = ['10.99.2.0/24', 'fd00:10:99:2::/64'];
    await cluster.admin.call(
      'PATCH',
      '/api/v1/nodes/hollow-2',
      { spec: { podCIDR: podCIDRs[0], podCIDRs } },
      'application/merge-patch+json',
    );
    await eventually('they are Ready', async () => {
      const pods = await podsOn('hollow-2');
      return pods.length > 1 && pods.every(isReady);
    });
    const all = (await podsOn('hollow-2')).map(({ status }) => status.podIPs?.map(({ ip }) => ip).join(' '));
    expect(new Set(all).size).toBe(all.length);
    for (const ips of all) expect(ips).toMatch(/^10\.99\.2\.\d+ fd00:10:99:2::[0-9a-f]+$/);
  });
});

describe('hollowmark run', () => {
  const command = new CliRun({
    'bare.yaml': `name: bare
nodes: {count: 2}
controlPlane: {extraFlags: {kube-controller-manager: {allocate-node-cidrs: 'false'}}}
phases:
  - {type: create-deployments, podsPerNode: 3}
  - {type: wait, name: started, for: pods-started, timeout: 60s}
`,
  });
  afterAll(() => command.remove());

  it('starts its pods on such a control plane', async () => {
    const { code, stdout, stderr } = await command.finish(
      'run',
      'bare.yaml',
      '--out',
      'out',
      '--skip-preflight',
    );
    // What the SLOs and the validity of the figures come to on a busy machine is not looked at.
    expect([0, 3, 5], `${stdout}${stderr}`).toContain(code);
  });
});
