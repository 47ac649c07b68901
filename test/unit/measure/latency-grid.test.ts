import { array, assert, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GridRecorder, gridColumnsMax } from '../../../src/measure/latency-grid.ts';
import { LatenciesOverTime } from '../../../src/measure/latencies-over-time.ts';
import { PodStartup } from '../../../src/measure/pod-startup.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { LatencyGrid } from '../../../src/result/result.ts';
import { FakeClock } from './fake-clock.ts';
import { facts } from './fixtures.ts';

const total = (grid: LatencyGrid | undefined): number =>
  grid?.columns.flat().reduce((sum, count) => sum + count, 0) ?? 0;

describe('GridRecorder', () => {
  it('has every sample once, in the column of its time and the row of its value', () => {
    const samples = array(
      record({ atUs: integer({ min: 0, max: 40_000_000_000 }), us: integer({ min: 0, max: 3_600_000_000 }) }),
      { minLength: 1, maxLength: 60 },
    );
    assert(
      property(samples, (all) => {
        const recorder = new GridRecorder(1_000_000);
        for (const { atUs, us } of all) recorder.record(atUs, us);
        const grid = recorder.grid('x', {}) as LatencyGrid;
        expect(grid.columns.length).toBeLessThanOrEqual(gridColumnsMax);
        expect(total(grid)).toBe(all.length);
        const { edges, stepMs } = grid;
        for (const { atUs, us } of all) {
          const column = grid.columns[Math.floor(atUs / 1000 / stepMs)];
          // Edges are rounded to four digits: a value beside one may lie in either row.
          const near = column?.filter((_, row) => {
            const [low = 0, high = 0] = [edges[row], edges[row + 1]];
            return (us > low * 0.999 || row === 0) && us <= high * 1.001;
          });
          expect(near?.some((count) => count > 0)).toBe(true);
        }
        expect(edges.toSorted((a, b) => a - b)).toEqual(edges);
        for (const column of grid.columns) expect(column).toHaveLength(edges.length - 1);
      }),
    );
  });

  it('cuts empty rows off, above and below', () => {
    const recorder = new GridRecorder(1_000_000);
    recorder.record(0, 1000);
    recorder.record(2_500_000, 10_000, 3);
    const grid = recorder.grid('x', {});
    expect([grid?.edges[0], grid?.edges.at(-1)]).toEqual([749.9, 10_000]);
    expect(grid?.columns.map((counts) => counts.reduce((a, b) => a + b, 0))).toEqual([1, 0, 3]);
  });

  it('is nothing without samples', () => {
    expect(new GridRecorder(1).grid('x', {})).toBeUndefined();
  });
});

describe('LatenciesOverTime', () => {
  it('has a grid for each group of pods, for clients and for nodes, by when each ended', () => {
    const clock = new FakeClock();
    const startup = new PodStartup(clock, 5_000_000, () => 0);
    const load = new CallMetrics();
    const over = new LatenciesOverTime({ clock, startup, clientCalls: [load] });
    over.phase();
    clock.pass(2500);
    load.record(callClass('GET', 'pods', '', 'resource'), 200, 1500);
    load.record(callClass('GET', 'pods', '', 'resource'), 0, 1500);
    over.phase();
    const pod = facts('a', { controlled: true });
    startup.onSeen(pod, clock.nowUs(), true);
    startup.onScheduled({ ...pod, node: 'n' }, clock.nowUs());
    clock.pass(1000);
    startup.recordNodeSide(
      ['a'],
      Float64Array.from([clock.us, clock.us, clock.us, clock.us, clock.us, clock.us, 0]),
    );
    startup.onStarted({ ...pod, node: 'n', started: true }, clock.nowUs(), true);
    const calls = new Histogram();
    calls.record(3000, 7);
    over.shard(
      {
        calls: [],
        loopDelay: '',
        gcPause: '',
        networkProgramming: { changes: '', proxyP99s: '', clampedCount: 0, negativeCount: 0 },
        nodeConnects: { nodes: [], times: new Float64Array(0) },
      },
      calls,
    );
    const grids = over.tell().latencyGrids ?? [];
    expect(grids.map(({ id, labels, stepMs }) => [id, labels, stepMs])).toEqual([
      ['pod-startup-precise', { kind: 'latency', class: 'stateless' }, 1000],
      ['api-call', { source: 'load and observer' }, 1000],
      ['api-call', { source: 'nodes' }, 5000],
    ]);
    expect(grids.map((grid) => total(grid))).toEqual([1, 1, 7]);
    expect(grids.map(({ columns }) => columns.length)).toEqual([4, 3, 1]);
  });
});
