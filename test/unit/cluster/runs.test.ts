import { beforeEach, describe, expect, test } from 'vitest';
import { chooseRuns } from '../../../src/cluster/choose-runs.ts';
import { runText } from '../../../src/cluster/render-survey.ts';
import { type FoundRun, type FoundRuns, countByKind, findRuns } from '../../../src/cluster/runs.ts';
import { whoAmI } from '../../../src/cluster/who-am-i.ts';
import { FakeCluster, serverTime } from './fake-cluster.ts';

const leases = 'leases.coordination.k8s.io';
const serverWallMs = Date.parse(serverTime);

/** The server's time, so many seconds ago. */
const ago = (seconds: number): string => new Date(serverWallMs - seconds * 1000).toISOString();

let cluster: FakeCluster;
beforeEach(() => {
  cluster = new FakeCluster();
});

const find = (wallMs: number | undefined = serverWallMs): Promise<FoundRuns> =>
  cluster.clock.finish(findRuns(cluster, wallMs, new AbortController().signal));

const living = async (): Promise<Record<string, boolean | undefined>> =>
  Object.fromEntries((await find()).runs.map((run) => [run.runId, run.living]));

describe('runs on a cluster', () => {
  test('are told apart by their label, with all that they have', async () => {
    cluster.add('nodes', 'real-1');
    cluster.add('nodes', 'b-1', 'b');
    cluster.add('pods', 'x/b-1', 'b');
    for (const i of [1, 2]) cluster.add('nodes', `a-${i}`, 'a');
    cluster.add('nodes', 'odd', '');
    const { runs, unlisted } = await find();
    expect(runs.map(({ runId, objects }) => [runId, countByKind(objects)])).toEqual([
      ['a', { nodes: 2 }],
      ['b', { pods: 1, nodes: 1 }],
    ]);
    expect(unlisted).toEqual([]);
    expect(cluster.writes).toEqual([]);
  });

  test('are listed page by page, which begins anew when the continue token expires', async () => {
    for (let i = 0; i < 25; i++) cluster.add('nodes', `n-${i}`, 'a');
    cluster.pageMax = 10;
    let expired = false;
    cluster.intercept = ({ query }) => {
      if (query.get('continue') !== '10' || expired) return undefined;
      expired = true;
      return { status: 410, object: { reason: 'Expired' } };
    };
    const { runs } = await find();
    expect(runs.map(({ objects }) => objects.length)).toEqual([25]);
    expect(expired).toBe(true);
  });

  test('live while a lease of theirs was renewed in the last 40 s, by the time that the server wrote down', async () => {
    const renewed = (seconds: number): object => ({
      managedFields: [{ time: ago(3000) }, { time: ago(seconds) }],
    });
    cluster.add('nodes', 'labelled', 'labelled');
    cluster.add(leases, 'kube-node-lease/labelled', 'labelled', renewed(40));
    // A node's lease counts by its name where it has no label.
    cluster.add('nodes', 'named', 'named');
    cluster.add(leases, 'kube-node-lease/named', undefined, renewed(3));
    cluster.add(leases, 'default/probe', 'probe', renewed(12));
    cluster.add('nodes', 'dead', 'dead');
    cluster.add(leases, 'kube-node-lease/dead', 'dead', renewed(41));
    expect(await living()).toEqual({ dead: false, labelled: true, named: true, probe: true });
    expect((await find()).runs.map(runText)).toContain(
      'run dead no longer lives, last sign of life 41 s ago, and has left: 1 node, 1 lease',
    );
  });

  test('live while they have just begun; pods that controllers make are no sign of life', async () => {
    cluster.add('namespaces', 'new', 'new', { creationTimestamp: ago(5) });
    cluster.add('namespaces', 'old', 'old');
    cluster.add('pods', 'old/made-by-a-controller', 'old', { creationTimestamp: ago(5) });
    expect(await living()).toEqual({ new: true, old: false });
  });

  test("are not judged by this machine's clock", async () => {
    cluster.add('nodes', 'n', 'a');
    cluster.add(leases, 'kube-node-lease/n', 'a', { managedFields: [{ time: ago(5) }] });
    expect(Math.abs(cluster.clock.wallMs() - serverWallMs)).toBeGreaterThan(86_400_000);
    const who = await cluster.clock.finish(whoAmI(cluster));
    expect((await find(who?.serverWallMs)).runs[0]).toMatchObject({ living: true, silentMs: 5_000 });
  });

  test.each([
    ['the server does not say what time it is', () => {}, undefined],
    ['leases may not be listed', (path: string) => path.includes('/leases'), serverWallMs],
    ['nodes may not be listed', (path: string) => path.includes('/nodes'), serverWallMs],
  ])('are not called dead when %s', async (_, forbids, wallMs) => {
    cluster.add('namespaces', 'a', 'a');
    cluster.intercept = ({ path }) => (forbids(path) === true ? { status: 403 } : undefined);
    expect(
      (await cluster.clock.finish(findRuns(cluster, wallMs, new AbortController().signal))).runs,
    ).toMatchObject([{ runId: 'a', living: undefined }]);
  });
});

describe('which of them clean removes', () => {
  const run = (runId: string, state: boolean | undefined): FoundRun => ({
    runId,
    objects: [],
    silentMs: 1000,
    living: state,
  });
  const runs = [run('dead', false), run('live', true), run('who-knows', undefined)];
  const ids = (some: readonly FoundRun[]): string[] => some.map(({ runId }) => runId);

  test('those that no longer live, and no others', () => {
    const { remove, spare } = chooseRuns(runs, { run: undefined, force: false });
    expect([ids(remove), ids(spare)]).toEqual([['dead'], ['live', 'who-knows']]);
  });

  test('the one that is named', () => {
    expect(ids(chooseRuns(runs, { run: 'dead', force: false }).remove)).toEqual(['dead']);
  });

  test.each(['live', 'who-knows'])('%s, when it is named, only by force', (id) => {
    expect(() => chooseRuns(runs, { run: id, force: false })).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        hint: expect.stringContaining('--force') as unknown,
      }) as Error,
    );
    expect(ids(chooseRuns(runs, { run: id, force: true }).remove)).toEqual([id]);
  });

  test('not one that is not there: the error says which are', () => {
    expect(() => chooseRuns(runs, { run: 'ded', force: true })).toThrow(
      expect.objectContaining({
        code: 'bad-input',
        message: '--run: nothing on this cluster carries the label of run ded',
        hint: expect.stringMatching(/dead[^]*live[^]*who-knows/) as unknown,
      }) as Error,
    );
    expect(() => chooseRuns([], { run: 'x', force: false })).toThrow('label of run x');
  });
});

describe('who we are', () => {
  const ask = (): ReturnType<typeof whoAmI> => cluster.clock.finish(whoAmI(cluster));

  test('the server says', async () => {
    expect(await ask()).toEqual({ user: 'jane', groups: ['system:authenticated'], serverWallMs });
  });

  test('is not known to old servers', async () => {
    cluster.intercept = () => ({ status: 404 });
    expect(await ask()).toBeUndefined();
  });

  test.each([
    [401, 'bad-input'],
    [503, 'cluster-unavailable'],
    ['lost' as const, 'cluster-unavailable'],
  ])('%s is an error at once', async (answer, code) => {
    cluster.intercept = () => (answer === 'lost' ? 'lost' : { status: answer });
    await expect(ask()).rejects.toMatchObject({ code });
    expect(cluster.asked).toHaveLength(1);
  });
});
