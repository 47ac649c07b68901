import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { array, assert, integer, property } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bucket } from '../../../src/measure/buckets.ts';
import { PodStartup } from '../../../src/measure/pod-startup.ts';
import type { Objective } from '../../../src/measure/slo.ts';
import { startupSlis } from '../../../src/measure/startup-slis.ts';
import { JoinedPoints, windowPointsMax } from '../../../src/measure/windows/joined-points.ts';
import { OwnSeries } from '../../../src/measure/windows/own-series.ts';
import { RunWindows } from '../../../src/measure/windows/run-windows.ts';
import { SlidingWindow } from '../../../src/measure/windows/sliding-window.ts';
import { WindowLog } from '../../../src/measure/windows/window-log.ts';
import { type StepSamples, WindowSet } from '../../../src/measure/windows/window-set.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { Sli } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';
import { FakeClock } from './fake-clock.ts';
import { facts } from './fixtures.ts';

const objective: Objective = { quantile: 0.99, threshold: 1_000_000 };
const at = (value: number, count: number): Bucket => ({ low: value, high: value, count });
const fast = [at(1000, 100)];
const slow = [at(2_000_000, 100)];

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-test-windows-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('SlidingWindow', () => {
  it('judges the last steps, of which one that is over counts no longer', () => {
    const window = new SlidingWindow(3, objective);
    const verdicts = [slow, fast, fast, fast, []].map(
      (buckets, step) => window.close(step + 1, buckets).verdict,
    );
    expect(verdicts).toEqual(['bad', 'bad', 'bad', 'good', 'good']);
  });

  it('does not judge what has too few samples', () => {
    const window = new SlidingWindow(3, objective);
    expect(window.close(1, [at(9e6, 99)])).toEqual({ count: 99, value: 9e6, verdict: 'undecided' });
    expect(window.close(2, [at(1, 1)])).toEqual({ count: 100, value: 9e6, verdict: 'bad' });
    // Nobody looked in step 3, and steps 1 and 2 are over now.
    expect(window.close(5, [])).toEqual({ count: 0, value: 0, verdict: 'undecided' });
  });

  it('is undecided where value and threshold lie in the same bucket', () => {
    const window = new SlidingWindow(1, objective);
    const close = (step: number, low: number, high: number): string =>
      window.close(step, [{ low, high, count: 100 }]).verdict;
    const { threshold } = objective;
    expect([
      close(1, threshold - 5, threshold + 5),
      close(2, threshold - 5, threshold),
      close(3, threshold, threshold + 5),
    ]).toEqual(['undecided', 'good', 'bad']);
  });

  it('has the quantile of all samples of its steps, whatever they are', () => {
    const samples = array(array(integer({ min: 0, max: 3_000_000 }), { maxLength: 60 }), { maxLength: 12 });
    assert(
      property(samples, (steps) => {
        const window = new SlidingWindow(5, objective);
        for (const [index, step] of steps.entries()) {
          const { count, value } = window.close(
            index + 1,
            step.map((us) => at(us, 1)),
          );
          const inWindow = steps
            .slice(Math.max(0, index - 4), index + 1)
            .flat()
            .toSorted((a, b) => a - b);
          expect(count).toBe(inWindow.length);
          const rank = Math.ceil(Number((0.99 * inWindow.length).toFixed(6)));
          expect(value).toBe(inWindow[rank - 1] ?? 0);
        }
      }),
    );
  });
});

describe('WindowSet', () => {
  const series = (verb: string, buckets: readonly Bucket[]): StepSamples => ({
    id: 'api-call',
    labels: { verb },
    objective,
    buckets,
  });

  it('keeps no more after ten thousand steps than after ten', () => {
    const set = new WindowSet('a', { lengthMs: 300_000, stepMs: 60_000 });
    const step = (number: number): void => {
      const came = ['GET', 'POST', 'PUT'].map((verb) => series(verb, [at(1 + (number % 7), 5), at(100, 1)]));
      set.close(number, came);
    };
    for (let number = 1; number <= 10; number++) step(number);
    const { size } = set;
    for (let number = 11; number <= 10_000; number++) step(number);
    expect(set.size).toBe(size);
    expect(size).toBe(3 + 3 * 5 * 2);
    // And forgets what has ended.
    for (let number = 10_001; number <= 10_006; number++) set.close(number, []);
    expect(set.size).toBe(3);
  });

  it('says once what a series is, and nothing of windows without a sample', () => {
    const set = new WindowSet('a', { lengthMs: 10_000, stepMs: 5_000 });
    const lines = [
      set.close(1, [series('GET', fast), series('PUT', [])]),
      set.close(2, []),
      set.close(3, []),
      set.close(4, [series('GET', slow)]),
    ];
    expect(lines.map((text) => text.trim().split('\n'))).toEqual([
      ['{"series":["a0","api-call",{"verb":"GET"}]}', '{"point":["a0",1,100,1000,"good"]}'],
      ['{"point":["a0",2,100,1000,"good"]}'],
      [''],
      ['{"point":["a0",4,100,2000000,"bad"]}'],
    ]);
  });
});

describe('JoinedPoints', () => {
  it('joins neighbours when there are too many, and loses none', () => {
    const points = new JoinedPoints();
    const count = 5 * windowPointsMax + 7;
    for (let number = 0; number < count; number++) {
      const verdict = number === 4321 ? 'bad' : number % 100 === 0 ? 'undecided' : 'good';
      points.push({ atMs: number, count: 1, value: number === 999 ? 5 : 1, verdict });
    }
    const windows = points.windows(count + 3);
    expect(windows.points.length).toBeLessThanOrEqual(windowPointsMax);
    expect(windows.points.length).toBeGreaterThan(windowPointsMax / 2);
    expect(windows.bad).toBe(1);
    expect(windows.good + windows.bad + windows.undecided).toBe(count + 3);
    expect(windows.points.at(-1)?.atMs).toBe(count - 1);
    expect(windows.points.filter(({ verdict }) => verdict === 'bad').map(({ atMs }) => atMs)).toEqual([4327]);
    expect(windows.points.filter(({ value }) => value === 5).map(({ atMs }) => atMs)).toEqual([999]);
    const gaps = windows.points.slice(1, -1).map(({ atMs }, i) => atMs - (windows.points[i]?.atMs ?? 0));
    expect(new Set(gaps)).toEqual(new Set([8]));
  });
});

describe('WindowLog', () => {
  it('reads what it was given, but for a line that was cut off, and leaves nothing', async () => {
    const log = new WindowLog(dir);
    log.append('{"at":[1,60000]}\n');
    log.append('{"point":["a0",1,100,10');
    const lines = [];
    for await (const line of log.lines()) lines.push(line);
    expect(lines).toEqual([{ at: [1, 60_000] }]);
    log.close();
    log.close();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('says what is wrong with its folder, and ends nothing', async () => {
    writeFileSync(join(dir, 'file'), '');
    const log = new WindowLog(join(dir, 'file'));
    log.append('{"at":[1,60000]}\n');
    expect(log.fault).toContain('ENOTDIR');
    for await (const line of log.lines()) expect(line).toBeUndefined();
    log.close();
    expect(readdirSync(dir)).toEqual(['file']);
  });

  it('makes a folder of its own where it is given none', () => {
    const log = new WindowLog(undefined);
    expect(log.fault).toBeUndefined();
    log.close();
  });
});

describe('RunWindows', () => {
  const settings = { lengthMs: 300_000, stepMs: 60_000 };
  const postPods = callClass('POST', 'pods', '', 'resource');

  function setUp(): { clock: FakeClock; load: CallMetrics; startup: PodStartup; windows: RunWindows } {
    const clock = new FakeClock();
    const startup = new PodStartup(clock, 5_000_000, () => 0);
    const load = new CallMetrics();
    const calls = { load, observer: new CallMetrics(), nodes: new CallMetrics() };
    const own = new OwnSeries({ startup, calls, instruments: [], thresholds: [] });
    // As a scenario gives them: more than a result has.
    const given = { ...settings, goodMinutesMin: 0.9 };
    return { clock, load, startup, windows: new RunWindows({ settings: given, dir, own }) };
  }

  const apiCall = (id: string, labels: Record<string, string>): Sli =>
    toSli(new Histogram(), {
      id,
      labels,
      unit: 'us',
      definition: 'd',
      source: 's',
      resolution: 'r',
      slo: objective,
    });
  const ofLoad = apiCall('api-call', {
    source: 'load',
    verb: 'POST',
    resource: 'pods',
    subresource: '',
    scope: 'resource',
  });

  /** Seconds go by; `each` minute so many calls of so many microseconds. */
  function minutes(run: ReturnType<typeof setUp>, each: readonly [count: number, us: number][]): number[] {
    const ended: number[] = [];
    for (const [count, us] of each) {
      for (let call = 0; call < count; call++) run.load.record(postPods, 201, us);
      for (let second = 0; second < 60; second++) {
        run.clock.pass(1000);
        const step = run.windows.sample(run.clock.nowUs());
        if (step !== undefined) ended.push(step);
      }
    }
    return ended;
  }

  it('has a window for each minute and for the rest of the run', async () => {
    const run = setUp();
    // Before the run.
    run.load.record(postPods, 201, 9_000_000);
    run.windows.begin(run.clock.nowUs());
    const quiet: [number, number] = [50, 2000];
    expect(minutes(run, [quiet, quiet, [50, 3_000_000], quiet, quiet, quiet, quiet, quiet])).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    run.clock.pass(30_000);
    expect(run.windows.end(run.clock.nowUs())).toBe(9);
    run.load.record(postPods, 201, 2000);
    const { slis, windows, notes } = await run.windows.finish([ofLoad]);
    const points = slis[0]?.windows?.points ?? [];
    expect(points.map(({ verdict }) => verdict[0]).join('')).toBe('ugbbbbbgg');
    expect(points.map(({ count }) => count)).toEqual([50, 100, 150, 200, 250, 250, 250, 250, 201]);
    expect(points.map(({ atMs }) => atMs / 1000)).toEqual([60, 120, 180, 240, 300, 360, 420, 480, 510]);
    expect(windows).toEqual({ ...settings, good: 3, bad: 5, undecided: 1 });
    expect(slis[0]?.windows).toMatchObject({ good: 3, bad: 5, undecided: 1 });
    expect(notes).toEqual([]);
    run.windows.stop();
    expect(existsSync(join(dir, 'windows.jsonl'))).toBe(false);
  });

  it('lets less than half a step belong to the step before, with what came in it', async () => {
    const run = setUp();
    run.windows.begin(run.clock.nowUs());
    const quiet: [number, number] = [200, 2000];
    minutes(run, [...Array.from({ length: 9 }, () => quiet), [200, 9_000_000]]);
    run.clock.pass(400);
    expect(run.windows.end(run.clock.nowUs())).toBe(10);
    run.load.record(postPods, 201, 2000);
    const { slis, windows } = await run.windows.finish([ofLoad]);
    expect(windows).toEqual({ ...settings, good: 9, bad: 1, undecided: 0 });
    const points = slis[0]?.windows?.points ?? [];
    expect(points).toHaveLength(10);
    expect(points.at(-1)).toMatchObject({ atMs: 600_400, count: 1001, verdict: 'bad' });
    run.windows.stop();
  });

  it('judges anew what a short end adds to', async () => {
    const run = setUp();
    run.windows.begin(run.clock.nowUs());
    minutes(run, [[200, 2000]]);
    run.clock.pass(400);
    run.windows.end(run.clock.nowUs());
    // As pods do that never start: they count at the end.
    for (let call = 0; call < 50; call++) run.load.record(postPods, 201, 9_000_000);
    const { windows } = await run.windows.finish([ofLoad]);
    expect(windows).toEqual({ ...settings, good: 0, bad: 1, undecided: 0 });
    run.windows.stop();
  });

  it('takes a minute for bad when anything that is judged was bad in it, and counts nothing else', async () => {
    const run = setUp();
    run.windows.begin(run.clock.nowUs());
    const server = new WindowSet('server', settings);
    const labels = { verb: 'GET', resource: 'nodes', subresource: '', scope: 'resource' };
    minutes(run, [[200, 2000]]);
    run.windows.add(server.close(1, [{ id: 'api-call-server', labels, objective, buckets: slow }]));
    minutes(run, [
      [200, 9_000_000],
      [0, 0],
    ]);
    run.windows.end(run.clock.nowUs());
    // The load's calls are not judged where the API server tells its own.
    const { slo: _, ...unjudged } = ofLoad;
    const judged = await run.windows.finish([unjudged, apiCall('api-call-server', labels)]);
    expect(judged.windows).toEqual({ ...settings, good: 0, bad: 1, undecided: 2 });
    // Theirs are there, to be set beside the server's.
    const verdicts = judged.slis[0]?.windows?.points.map(({ verdict }) => verdict);
    expect(verdicts).toEqual(['good', 'bad', 'bad']);
    expect(judged.slis[1]?.windows).toMatchObject({
      good: 0,
      bad: 1,
      undecided: 2,
      points: [{ atMs: 60_000 }],
    });
    run.windows.stop();
  });

  it('has none of calls of the load that no objective is for, and of nobody else’s that are not judged', async () => {
    const run = setUp();
    run.windows.begin(run.clock.nowUs());
    minutes(run, [[200, 2000]]);
    run.windows.end(run.clock.nowUs());
    const { slo: _, ...unjudged } = ofLoad;
    const collection = { ...unjudged, labels: { ...ofLoad.labels, scope: 'cluster' } };
    const ofNodes = { ...unjudged, labels: { ...ofLoad.labels, source: 'nodes' } };
    const { slis } = await run.windows.finish([collection, ofNodes]);
    expect(slis.map(({ windows }) => windows)).toEqual([undefined, undefined]);
    run.windows.stop();
  });

  it('tells the windows of the group of pods that turns out to be judged', async () => {
    const run = setUp();
    run.windows.begin(run.clock.nowUs());
    const start = (kind: string, count: number): void => {
      for (let pod = 0; pod < count; pod++) {
        const of = facts(`${kind}-${pod}-${run.clock.nowUs()}`, { kind, controlled: true });
        run.startup.onSeen(of, run.clock.nowUs(), true);
        run.startup.onStarted(of, run.clock.nowUs(), true);
        run.startup.recordNodeSide([of.uid], Float64Array.of(1, 1, 1));
      }
    };
    start('deployment', 150);
    minutes(run, [[0, 0]]);
    start('job', 60);
    minutes(run, [[0, 0]]);
    run.windows.end(run.clock.nowUs());
    const slis = startupSlis(run.startup, []);
    const judged = await run.windows.finish(slis);
    const [all] = judged.slis.filter(({ windows }) => windows !== undefined);
    expect(all?.labels).toEqual({ kind: 'all', class: 'stateless' });
    expect(all?.windows?.points.map(({ count }) => count)).toEqual([150, 210]);
    run.windows.stop();
  });

  it('has one window of a run that ends at once', async () => {
    const run = setUp();
    run.windows.begin(run.clock.nowUs());
    run.clock.pass(100);
    expect(run.windows.end(run.clock.nowUs())).toBe(1);
    const { windows } = await run.windows.finish([ofLoad]);
    expect(windows).toEqual({ ...settings, good: 0, bad: 0, undecided: 1 });
    run.windows.stop();
  });
});

describe('OwnSeries', () => {
  const calls = { load: new CallMetrics(), observer: new CallMetrics(), nodes: new CallMetrics() };
  const counts = (own: OwnSeries): unknown[] =>
    own
      .drain()
      .map(({ id, labels, buckets }) => [id, labels, buckets.reduce((sum, one) => sum + one.count, 0)]);

  it('has what of the instruments has a threshold, and nothing else of them', () => {
    const probes = new Histogram();
    const slowest = new Histogram();
    const instruments = [
      { series: () => [{ id: 'api-probe', labels: {}, histogram: probes }] },
      { series: () => [{ id: 'watch-delivery-slowest', labels: {}, histogram: slowest }] },
      {},
    ];
    const thresholds = [{ sli: 'api-probe', labels: {}, quantile: 0.99, thresholdMs: 1 }];
    const startup = new PodStartup(new FakeClock(), 5_000_000, () => 0);
    const own = new OwnSeries({ startup, calls, instruments, thresholds });
    const ofProbes = (): unknown[] => counts(own).filter((one) => (one as string[])[0] !== 'pod-startup');
    probes.record(20_000, 60);
    slowest.record(20_000, 6);
    expect(ofProbes()).toEqual([['api-probe', {}, 60]]);
    probes.record(20_000, 7);
    expect(ofProbes()).toEqual([['api-probe', {}, 7]]);
  });

  it('has all stateless pods together where only they have a threshold', () => {
    const clock = new FakeClock();
    const startup = new PodStartup(clock, 5_000_000, () => 0);
    const thresholds = [
      { sli: 'pod-startup-precise', labels: { kind: 'all' }, quantile: 0.99, thresholdMs: 1 },
    ];
    const own = new OwnSeries({ startup, calls, instruments: [], thresholds });
    for (const [uid, kind] of [
      ['a', 'job'],
      ['b', 'deployment'],
    ] as const) {
      const of = facts(uid, { kind, controlled: true });
      startup.onSeen(of, clock.nowUs(), true);
      startup.onStarted(of, clock.nowUs(), true);
      startup.recordNodeSide([of.uid], Float64Array.of(1, 1, 1));
    }
    expect(counts(own).filter((one) => (one as string[])[0] === 'pod-startup-precise')).toEqual([
      ['pod-startup-precise', { kind: 'all', class: 'stateless' }, 2],
    ]);
  });
});
