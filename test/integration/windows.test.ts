import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judgeRun } from '../../src/measure/verdict.ts';
import { readResult } from '../../src/result/read.ts';
import type { Figure, RunResult, Sli } from '../../src/result/result.ts';
import { CliRun } from './cli-run.ts';
import { eventually } from './support.ts';

/** Windows of ten seconds, five apart: a run of half a minute has some. */
const scenario = (thresholds = '', count = 500, steady = '8s'): string => `name: windows
nodes: {count: 8}
windows: {length: 10s, step: 5s}
phases:
  - {type: latency-pods, count: ${count}, deleteAfterStart: false, pacing: {strategy: constant-rate, requestsPerSecond: 20}}
  - {type: steady, duration: ${steady}, listsPerSecond: 20}
${thresholds}`;

const impossible = `controlPlane:
  extraFlags:
    etcd: {unsafe-no-fsync: false}
thresholds:
  - {sli: pod-startup-precise, thresholdMs: 3600000}
  - {sli: scheduling-attempt, labels: {result: scheduled}, thresholdMs: 1}
  - {sli: etcd-wal-fsync, thresholdMs: 60000}
`;

let cli: CliRun;

beforeAll(() => {
  cli = new CliRun({
    'windows.yaml': scenario(),
    'impossible.yaml': scenario(impossible, 240, '1s'),
    'long.yaml': scenario('', 500, '1h'),
  });
});

afterAll(async () => {
  await cli.processesGone();
  cli.remove();
});

async function run(name: string, ...flags: string[]): Promise<RunResult> {
  const { stderr } = await cli.finish('run', `${name}.yaml`, '--out', `${name}-out`, ...flags);
  expect(stderr).not.toMatch(/\n\s+at |Warning: /);
  return readResult(join(cli.dir, `${name}-out/result.json`));
}

const figures = ({ figures: all }: RunResult, id: string): Figure[] => all.filter((one) => one.id === id);
const slis = (result: RunResult, id: string): Sli[] => result.slis.filter((one) => one.id === id);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('a short run with short windows', () => {
  let result: RunResult;

  beforeAll(async () => {
    result = await run('windows');
  });

  it('has good windows, of which there is one each five seconds', () => {
    const { lengthMs, stepMs, good, bad, undecided } = result.windows;
    expect([lengthMs, stepMs]).toEqual([10_000, 5_000]);
    const measuredMs = result.timeline.at(-1)?.atMs ?? 0;
    expect(good + bad + undecided).toBeGreaterThanOrEqual(Math.floor(measuredMs / 5_000));
    expect(good + bad + undecided).toBeLessThanOrEqual(Math.ceil(measuredMs / 5_000) + 1);
    expect(good).toBeGreaterThan(3);
    for (const sli of result.slis) {
      const isOfLoad = sli.id === 'api-call' && sli.labels['source'] === 'load';
      if (sli.slo === undefined && (!isOfLoad || sli.windows === undefined)) {
        expect(sli.windows, sli.id).toBeUndefined();
        continue;
      }
      const { windows } = sli;
      expect(sum([windows?.good ?? 0, windows?.bad ?? 0, windows?.undecided ?? 0]), sli.id).toBe(
        good + bad + undecided,
      );
      for (const { count } of windows?.points ?? []) expect(count).toBeLessThanOrEqual(sli.count);
      const ends = (windows?.points ?? []).map(({ atMs }) => atMs);
      expect(ends).toEqual(ends.toSorted((a, b) => a - b));
    }
  });

  it('counts phases and the timeline from the same instant', () => {
    const { phases, startedAt, measuringStartedAt = '' } = result.run;
    const [pods] = phases;
    const first = result.timeline.find(({ phase }) => phase === pods?.name);
    // A point is at most a second old, and later on a busy machine.
    const behindMs = (first?.atMs ?? Number.NaN) - (pods?.startedAtMs ?? Number.NaN);
    expect(behindMs).toBeGreaterThanOrEqual(0);
    expect(behindMs).toBeLessThan(2000);
    expect(Date.parse(measuringStartedAt)).toBeGreaterThan(Date.parse(startedAt));
  });

  it('judges pod startup and the API server in them', () => {
    const [startup] = slis(result, 'pod-startup').filter(({ slo }) => slo !== undefined);
    expect(startup?.windows?.good).toBeGreaterThan(1);
    const bindings = slis(result, 'api-call-server').find(
      ({ labels }) => labels['subresource'] === 'binding',
    );
    expect(bindings?.count).toBe(500);
    expect(bindings?.windows?.good).toBeGreaterThan(1);
    // Those of the client stand beside them.
    const lists = slis(result, 'api-call').find(
      ({ labels }) =>
        labels['verb'] === 'LIST' && labels['resource'] === 'pods' && labels['source'] === 'load',
    );
    expect(lists?.slo).toBeUndefined();
    expect(lists?.windows?.good).toBeGreaterThan(0);
    // 20 a second: a window of ten seconds has 200 of them, and no more than load and reading times leave room for.
    const most = Math.max(...(bindings?.windows?.points ?? []).map(({ count }) => count));
    expect(most).toBeGreaterThan(100);
    expect(most).toBeLessThan(320);
  });

  it('tells scheduling: whole, by attempt, by extension point, and how many a second', () => {
    expect(sum(slis(result, 'scheduling').map(({ count }) => count))).toBe(500);
    const attempts = slis(result, 'scheduling-attempt').find(
      ({ labels }) => labels['result'] === 'scheduled',
    );
    expect(attempts?.count).toBe(500);
    const points = slis(result, 'scheduling-extension-point').map(({ labels }) => labels['extension_point']);
    expect(points).toEqual(expect.arrayContaining(['Filter', 'Bind']) as unknown);
    expect(
      figures(result, 'scheduling-attempts').find(({ labels }) => labels['result'] === 'scheduled')?.value,
    ).toBe(500);
    const [mean] = figures(result, 'scheduling-throughput');
    const [busiest] = figures(result, 'scheduling-throughput-busiest');
    expect(mean?.value).toBeGreaterThan(5);
    expect(busiest?.value).toBeGreaterThan(mean?.value ?? 0);
    expect(busiest?.value).toBeLessThan(40);
    expect(figures(result, 'scheduling-queue-incoming').length).toBeGreaterThan(0);
    expect(figures(result, 'scheduling-queue-pending').map(({ labels }) => labels['queue'])).toContain(
      'active',
    );
  });

  it('tells etcd: requests, commits, size', () => {
    const operations = slis(result, 'etcd-request').map(({ labels }) => labels['operation']);
    expect(operations.length).toBeGreaterThan(2);
    expect(slis(result, 'etcd-backend-commit')[0]?.count).toBeGreaterThan(10);
    // A control plane of our own does not wait for its disk.
    expect(slis(result, 'etcd-wal-fsync')).toEqual([]);
    const sizes = figures(result, 'etcd-database-size');
    expect(sizes.map(({ labels }) => labels['part'] ?? '').toSorted()).toEqual(['in-use', 'total']);
    for (const { value } of sizes) expect(value).toBeGreaterThan(1e5);
    expect(figures(result, 'storage-size')[0]?.value).toBeGreaterThan(1e5);
  });

  it('tells admission', () => {
    expect(slis(result, 'admission').map(({ labels }) => `${labels['operation']} ${labels['type']}`)).toEqual(
      expect.arrayContaining(['CREATE admit', 'CREATE validate']) as unknown,
    );
    const restriction = figures(result, 'admission-controller').find(
      ({ labels }) => labels['controller'] === 'NodeRestriction',
    );
    expect(restriction?.value).toBeGreaterThan(0);
    expect(restriction?.value).toBeLessThan(100_000);
    expect(slis(result, 'admission-webhook')).toEqual([]);
  });

  it('tells priority and fairness', () => {
    const levels = slis(result, 'priority-level-execution').map(({ labels }) => labels['priority_level']);
    expect(levels).toEqual(expect.arrayContaining(['node-high', 'system']) as unknown);
    expect(slis(result, 'priority-level-wait').length).toBeGreaterThan(0);
    expect(figures(result, 'priority-level-rejected')[0]?.value).toBeGreaterThanOrEqual(0);
    expect(figures(result, 'priority-level-dispatched').length).toBeGreaterThan(1);
  });

  it('tells watchers and watch caches', () => {
    const of = (id: string, resource: string): number =>
      figures(result, id).find(({ labels }) => labels['resource'] === resource)?.value ?? 0;
    // Each node watches its pods; scheduler, controller manager and observer all of them.
    expect(of('watchers', 'pods')).toBeGreaterThanOrEqual(10);
    expect(of('watch-cache-capacity', 'pods')).toBeGreaterThan(0);
    expect(of('watch-cache-events', 'pods')).toBeGreaterThan(1200);
    expect(figures(result, 'terminated-watchers')[0]?.value).toBe(0);
  });

  it('tells CPU, memory and garbage collection of each process', () => {
    const components = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
    for (const id of [
      'component-cpu',
      'component-memory',
      'component-heap',
      'component-goroutines',
      'component-gc',
    ]) {
      expect(
        figures(result, id)
          .map(({ labels }) => labels['component'] ?? '')
          .toSorted(),
        id,
      ).toEqual(components);
    }
    for (const { name, rssBytesMax } of result.resources.controlPlane) {
      const told =
        figures(result, 'component-memory').find(({ labels }) => labels['component'] === name)?.value ?? 0;
      expect(told).toBeLessThanOrEqual(rssBytesMax * 1.1);
      expect(told).toBeGreaterThan(rssBytesMax * 0.5);
    }
  });

  it('says of everything what it is, where it comes from and how fine it is', () => {
    for (const one of [...result.slis, ...result.figures]) {
      expect(one.definition, one.id).toMatch(/\.$/);
      expect(one.source, one.id).not.toBe('');
      expect(one.resolution, one.id).not.toBe('');
    }
    expect(result.notes.join('\n')).not.toMatch(/no figures of|no latencies of|could not be read|restarted/);
  });

  it('leaves nothing behind', () => {
    expect(cli.temporaryFiles()).toEqual([]);
  });
});

it('bad windows are told, and fail a run that asks for good ones', async () => {
  const failed = await run('impossible', '--set', 'windows.goodMinutesMin=0.9');
  expect(failed.windows.bad).toBeGreaterThan(1);
  // An attempt ends with a request: a millisecond, the first bound of its histogram, is not enough for the p99.
  const attempts = slis(failed, 'scheduling-attempt').find(({ labels }) => labels['result'] === 'scheduled');
  expect(attempts?.slo?.verdict).toBe('fail');
  expect(attempts?.windows?.bad).toBeGreaterThan(1);
  const precise = slis(failed, 'pod-startup-precise').find(({ slo }) => slo !== undefined);
  expect(precise?.windows?.good).toBeGreaterThan(1);
  // Its etcd waits for the disk.
  const [fsync] = slis(failed, 'etcd-wal-fsync');
  expect(fsync?.count).toBeGreaterThan(100);
  expect(fsync?.slo?.verdict).toBe('pass');
  expect(sum([fsync?.windows?.good ?? 0, fsync?.windows?.undecided ?? 0])).toBeGreaterThan(1);
  // On a busy machine the run is invalid: then it is judged here as if it were not.
  const judged = judgeRun({
    ...failed,
    validity: { verdict: 'valid', checks: [] },
    phases: failed.run.phases,
    interrupted: false,
    statelessPods: failed.pods.created,
    thresholds: [],
    goodMinutesMin: 0.9,
  });
  if (failed.validity.verdict === 'valid') {
    const { verdict, summary } = failed;
    expect({ verdict, summary }).toEqual(judged);
  }
  expect(judged.verdict).toBe('fail');
  expect(judged.summary).toMatch(
    /the scenario asks for 90 %\. \d+ of \d+ windows that could be judged were bad/,
  );
});

it('a run that is interrupted keeps the windows that it has', async () => {
  const { child, exit, output } = cli.start('run', 'long.yaml', '--out', 'long-out');
  await eventually(
    'a hundred pods have started',
    () => /pods [1-9]\d{2,}\/\d+ started/.test(output()),
    120_000,
  );
  child.kill('SIGINT');
  await exit;
  const result = readResult(join(cli.dir, 'long-out/result.json'));
  expect(result.verdict).toBe('interrupted');
  expect(result.windows.good + result.windows.bad).toBeGreaterThan(0);
  expect(result.figures.length).toBeGreaterThan(50);
  expect(cli.temporaryFiles()).toEqual([]);
});
