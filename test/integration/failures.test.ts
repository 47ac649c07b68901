import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';
import type { Shard } from '../../src/fleet/shard.ts';
import type { RunResult } from '../../src/result/result.ts';
import { CliRun } from './cli-run.ts';
import { TestControlPlane, deployment, eventually, testNodes } from './support.ts';

type Condition = { type: string; status: string; reason: string };
type Node = {
  metadata: { name: string };
  spec: { taints?: { key: string; effect: string }[] };
  status: { conditions: Condition[]; nodeInfo: { bootID: string } };
};
type Pod = {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { nodeName: string };
  status: { phase: string; conditions?: Condition[] };
};
type Lease = {
  metadata: { uid: string; managedFields: { time: string }[] };
  spec: { renewTime: string };
};

/** A pod that has just been created has no conditions yet. */
const isReady = ({ conditions = [] }: Pod['status']): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');

/** The same flags as in scenarios/failures.yaml. */
const extraFlags = {
  'kube-apiserver': [
    '--default-not-ready-toleration-seconds=5',
    '--default-unreachable-toleration-seconds=5',
  ],
  'kube-controller-manager': [
    '--node-monitor-grace-period=20s',
    '--node-monitor-period=1s',
    '--node-eviction-rate=10',
  ],
};

describe('nodes that fail, as the API server has them', () => {
  let cluster: TestControlPlane;
  let shard: Shard;

  const get = async <T>(path: string): Promise<T> => (await cluster.admin.call<T>('GET', path)).body;
  const node = (name: string): Promise<Node> => get<Node>(`/api/v1/nodes/${name}`);
  const lease = (name: string): Promise<Lease> =>
    get<Lease>(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`);
  const condition = async (name: string, type: string): Promise<string> => {
    const found = (await node(name)).status.conditions.find((one) => one.type === type);
    return `${found?.status} ${found?.reason}`;
  };
  const taints = async (name: string): Promise<string[]> =>
    ((await node(name)).spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).toSorted();
  const podsOn = async (name: string): Promise<Pod[]> =>
    (await get<{ items: Pod[] }>(`/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName%3D${name}`))
      .items;
  const nodeEvents = async (name: string): Promise<string[]> => {
    const selector = `fieldSelector=involvedObject.kind%3DNode,involvedObject.name%3D${name}`;
    const { items } = await get<{ items: { reason: string; type: string }[] }>(`/api/v1/events?${selector}`);
    return items.map(({ type, reason }) => `${type} ${reason}`);
  };
  /** Requests of a node's kubelet since a moment, without watches, events and pods: `POST nodes 409`. */
  const requestsSince = (name: string, since: string): string[] =>
    cluster
      .auditLines()
      .filter(
        ({ user, stage, verb, objectRef, requestReceivedTimestamp }) =>
          user.username === `system:node:${name}` &&
          stage === 'ResponseComplete' &&
          verb !== 'watch' &&
          ['nodes', 'leases', 'csinodes'].includes(objectRef?.resource ?? '') &&
          requestReceivedTimestamp > since,
      )
      .map(({ verb, objectRef, responseStatus }) => {
        const subresource = objectRef?.subresource === undefined ? '' : `/${objectRef.subresource}`;
        return `${verb} ${objectRef?.resource}${subresource} ${responseStatus?.code}`;
      });

  /** Watches of a node's kubelet that the API server has ended since a moment. */
  const endedWatches = (name: string, since: string): number =>
    cluster
      .auditLines()
      .filter(
        ({ user, stage, verb, stageTimestamp }) =>
          user.username === `system:node:${name}` &&
          stage === 'ResponseComplete' &&
          verb === 'watch' &&
          stageTimestamp > since,
      ).length;

  beforeAll(async () => {
    cluster = await TestControlPlane.start({ audit: true, extraFlags });
    shard = cluster.shard(testNodes(6));
    await shard.start();
    await cluster.admin.call('POST', '/apis/apps/v1/namespaces/default/deployments', deployment('web', 12));
    await eventually('all pods have started', () => shard.report().totals.podsStarted >= 12);
  });

  afterAll(async () => {
    shard?.stop();
    await cluster?.stop();
  });

  it('a kubelet that is restarted finds its node and its lease', async () => {
    const name = 'hollow-1';
    // Its first lease comes ten seconds after its start.
    await eventually('there is a lease', async () => (await lease(name)).metadata?.uid !== undefined);
    const before = { node: await node(name), lease: await lease(name) };
    const since = new Date().toISOString();
    shard.fail([name], { type: 'kubelet-down' });
    shard.heal([name]);
    // It was Ready all the time, by what the API server has.
    await eventually('it says that it is there', () =>
      requestsSince(name, since).includes('patch nodes/status 200'),
    );
    const requests = requestsSince(name, since);
    expect(requests).toEqual(
      expect.arrayContaining(['create nodes 409', 'get leases 200', 'update leases 200']),
    );
    expect(requests.indexOf('create nodes 409')).toBeLessThan(requests.indexOf('patch nodes/status 200'));
    // The lease is there, and the CSINode too.
    expect(requests.filter((request) => /^create (?:leases|csinodes)/.test(request))).toEqual([]);
    const after = { node: await node(name), lease: await lease(name) };
    expect(after.lease.metadata.uid).toBe(before.lease.metadata.uid);
    expect(after.lease.spec.renewTime > before.lease.spec.renewTime).toBe(true);
    expect(after.node.status.nodeInfo).toEqual(before.node.status.nodeInfo);
    expect(await condition(name, 'Ready')).toBe('True KubeletReady');
    expect(await nodeEvents(name)).not.toContain('Warning Rebooted');
  });

  it('a node that crashes is given up, its pods run elsewhere, and it returns', async () => {
    const name = 'hollow-2';
    const { bootID } = (await node(name)).status.nodeInfo;
    expect((await podsOn(name)).length).toBeGreaterThan(0);
    const since = new Date().toISOString();
    shard.fail([name], { type: 'crash' });
    await eventually('it is Unknown', async () => (await condition(name, 'Ready')).startsWith('Unknown'));
    expect(await condition(name, 'Ready')).toBe('Unknown NodeStatusUnknown');
    // A machine without power tells nobody: to the API server its watches go on.
    expect(endedWatches(name, since)).toBe(0);
    const unreachable = ['NoExecute', 'NoSchedule'].map(
      (effect) => `node.kubernetes.io/unreachable:${effect}`,
    );
    await eventually('it is tainted', async () => (await taints(name)).join(' ') === unreachable.join(' '));
    await eventually('its pods are evicted', async () =>
      (await podsOn(name)).every(({ metadata }) => metadata.deletionTimestamp !== undefined),
    );
    for (const { status } of await podsOn(name)) {
      expect(status.conditions).toContainEqual(
        expect.objectContaining({
          type: 'DisruptionTarget',
          status: 'True',
          reason: 'DeletionByTaintManager',
        }),
      );
    }
    await eventually('others take their place', async () => {
      const { items } = await get<{ items: Pod[] }>('/api/v1/namespaces/default/pods');
      const running = items.filter(({ metadata, spec, status }) => {
        return metadata.deletionTimestamp === undefined && spec.nodeName !== name && isReady(status);
      });
      return running.length === 12;
    });

    shard.heal([name]);
    await eventually('its old watches end', () => endedWatches(name, since) >= 5);
    await eventually('it is Ready', async () => (await condition(name, 'Ready')) === 'True KubeletReady');
    await eventually('it has no taints', async () => (await taints(name)).length === 0);
    await eventually('its old pods are gone', async () =>
      (await podsOn(name)).every(({ metadata }) => metadata.deletionTimestamp === undefined),
    );
    expect((await node(name)).status.nodeInfo.bootID).not.toBe(bootID);
    await eventually('it says why', async () => (await nodeEvents(name)).includes('Warning Rebooted'));
  });

  it('slow heartbeats arrive late', async () => {
    const name = 'hollow-4';
    shard.fail([name], { type: 'bad-heartbeats', lossRate: 0, delayMs: 3_000 });
    // The kubelet's clock against the API server's, which writes whole seconds: both are this machine's.
    await eventually('a late renewal', async () => {
      const { metadata, spec } = await lease(name);
      const written = Math.max(...metadata.managedFields.map(({ time }) => Date.parse(time)));
      return written - Date.parse(spec.renewTime) > 1_900;
    });
    shard.heal([name]);
    expect(await condition(name, 'Ready')).toBe('True KubeletReady');
  });

  it('pressure is a condition and a taint, costs a pod, and goes again', async () => {
    const name = 'hollow-3';
    const before = (await podsOn(name)).length;
    expect(before).toBeGreaterThan(1);
    shard.fail([name], { type: 'pressure', condition: 'DiskPressure', evictions: 1 });
    await eventually('the condition', async () => (await condition(name, 'DiskPressure')).startsWith('True'));
    expect(await condition(name, 'DiskPressure')).toBe('True KubeletHasDiskPressure');
    expect(await condition(name, 'MemoryPressure')).toBe('False KubeletHasSufficientMemory');
    await eventually('the taint', async () => (await taints(name)).length > 0);
    expect(await taints(name)).toEqual(['node.kubernetes.io/disk-pressure:NoSchedule']);
    expect(await condition(name, 'Ready')).toBe('True KubeletReady');
    const failed = async (): Promise<Pod[]> =>
      (await podsOn(name)).filter(({ status }) => status.phase === 'Failed');
    await eventually('a pod is evicted', async () => (await failed()).length > 0);
    await eventually('another takes its place', async () => {
      const { items } = await get<{ items: Pod[] }>('/api/v1/namespaces/default/pods');
      return items.filter(({ status }) => isReady(status)).length === 12;
    });
    // One was enough.
    expect((await podsOn(name)).length).toBe(before);
    const [evicted] = await failed();
    expect(evicted?.status).toMatchObject({
      reason: 'Evicted',
      message: expect.stringMatching(
        /^The node was low on resource: ephemeral-storage\. Threshold/,
      ) as string,
    });
    expect(evicted?.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', reason: 'TerminationByKubelet' }),
    );
    shard.heal([name]);
    await eventually('no taint', async () => (await taints(name)).length === 0);
    expect(await condition(name, 'DiskPressure')).toBe('False KubeletHasNoDiskPressure');
    expect(await nodeEvents(name)).toEqual(
      expect.arrayContaining(['Normal NodeHasDiskPressure', 'Normal NodeHasNoDiskPressure']),
    );
  });
});

describe('scenarios/failures.yaml', () => {
  const command = new CliRun({});
  let result: RunResult;

  beforeAll(async () => {
    const scenario = join(packageRoot, 'scenarios/failures.yaml');
    const { code, stdout, stderr } = await command.finish(
      'run',
      scenario,
      '--out',
      'out',
      '--skip-preflight',
    );
    // What the SLOs and the validity of the figures come to on a busy machine is not looked at.
    expect([0, 3, 5], `${stdout}${stderr}`).toContain(code);
    result = JSON.parse(readFileSync(join(command.dir, 'out/result.json'), 'utf8')) as RunResult;
  });

  afterAll(() => command.remove());

  const said = (name: string): string | undefined => {
    const phase = result.run.phases.find((one) => one.name === name);
    expect(phase?.outcome, phase?.message).toBe('completed');
    return phase?.message;
  };

  it('has all its pods started, and some of its nodes given up and taken back', () => {
    expect(said('filled')).toBeUndefined();
    // Of crash, partition and lost heartbeats.
    expect(result.nodes).toMatchObject({ requested: 20, ready: 20 });
    expect(result.nodes.notReadyEvents).toBeGreaterThanOrEqual(4 + 4 + 3);
    expect(result.failures).toEqual([]);
  });

  it.each(['crash', 'partition'])('%s: nodes given up, pods running elsewhere, nodes back', (name) => {
    // In the order in which they came, which is not always the same.
    for (const answer of [
      /\b4 nodes not Ready after /,
      /\b4 nodes tainted after /,
      /\b[1-9]\d* pods evicted after /,
      /\b\d+ pods running after /,
      /\b4 nodes Ready again after \S+$/,
    ]) {
      expect(said(name)).toMatch(answer);
    }
  });

  it('lost-heartbeats: nodes given up and taken back', () => {
    expect(said('lost-heartbeats')).toMatch(
      /^3 nodes not Ready after .*, 3 nodes tainted after .*, 3 nodes Ready again after /,
    );
  });

  it('slow-heartbeats: nobody minds', () => {
    expect(said('slow-heartbeats')).toBeUndefined();
  });

  it('kubelet-restart: all of them in two waves', () => {
    expect(said('kubelet-restart')).toMatch(
      /^10 nodes Ready again after \S+; 10 nodes Ready again after \S+$/,
    );
  });

  it('memory-pressure: pods evicted, and running elsewhere', () => {
    for (const answer of [/\b[1-4] pods evicted after /, /\b\d+ pods running after /]) {
      expect(said('memory-pressure')).toMatch(answer);
    }
  });

  it.each(['disk-pressure', 'memory-pressure'])('%s: tainted, and free of it again', (name) => {
    expect(said(name)).toMatch(/\b2 nodes tainted after .*, 2 nodes Ready again after \S+$/);
  });
});
