import { describe, expect, it } from 'vitest';
import { type CpuProfile, attribute } from '../../../src/bench/cost/attribute.ts';
import { SideTimes, meetsCostGoal, renderCost } from '../../../src/bench/cost/measure-cost.ts';
import { pidOf, profileName } from '../../../src/bench/cost/profile-files.ts';

const dist = 'file:///opt/h/dist/';

/** A profile of calls, each with the one that made it, and how long each was met, in turns. */
function profileOf(
  tree: readonly { url: string; name?: string; of?: number }[],
  samples: readonly [call: number, us: number][],
): CpuProfile {
  const children = tree.map((): number[] => []);
  for (const [child, { of }] of tree.entries()) if (of !== undefined) children[of]?.push(child);
  return {
    nodes: tree.map(({ url, name = 'f' }, id) => ({
      id,
      callFrame: { functionName: name, url },
      children: children[id] ?? [],
    })),
    samples: samples.map(([call]) => call),
    // The first is from the profile's start; each further one ends the time of the sample before it.
    timeDeltas: [7, ...samples.slice(0, -1).map(([, us]) => us)],
  };
}

const calls = [
  { url: '', name: '(root)' },
  { url: '', name: '(idle)', of: 0 },
  { url: '', name: '(garbage collector)', of: 0 },
  { url: '', name: '(program)', of: 0 },
  { url: 'node:internal/timers', of: 0 },
  { url: `${dist}measure/observer.js`, of: 4 },
  { url: `${dist}wire/view.js`, of: 5 },
  { url: `${dist}metrics/histogram.js`, of: 5 },
  { url: 'file:///opt/h/node_modules/hdr-histogram-js/dist/JsHistogram.js', of: 7 },
  { url: `${dist}bench/cost/profile-hook.js`, of: 4 },
  { url: 'node:fs', of: 9 },
  { url: '', name: 'push', of: 6 },
];

function timesOf(samples: readonly [number, number][]): SideTimes {
  const times = new SideTimes();
  for (const time of attribute(profileOf(calls, [...samples, [1, 0]]), dist)) times.add(time);
  return times;
}

describe('the time in a CPU profile', () => {
  it('belongs to the innermost room, packages and built-ins to whoever called them', () => {
    const times = timesOf([
      [1, 1000],
      [2, 10],
      [3, 20],
      [4, 30],
      [5, 40],
      [6, 50],
      [7, 60],
      [8, 70],
      [11, 80],
    ]);
    expect(Object.fromEntries(times.byRoom)).toEqual({
      'garbage collection': 10,
      'native code': 20,
      'Node.js': 30,
      measure: 40,
      wire: 130,
      metrics: 130,
    });
    expect(times).toMatchObject({ totalUs: 360, measuringUs: 170, withinMeasuringUs: 300 });
    expect(Object.keys(times.seconds())[0]).toBe('wire');
  });

  it("is not the profiler's own", () => {
    expect(
      timesOf([
        [9, 500],
        [10, 500],
        [5, 1],
      ]),
    ).toMatchObject({ totalUs: 1 });
  });

  it('can be thousands of calls deep', () => {
    const deep = [
      calls[0] as { url: string },
      ...Array.from({ length: 20_000 }, (_, index) => ({ url: 'node:internal/promises', of: index })),
      { url: `${dist}kube/client.js`, of: 20_000 },
    ];
    const found = [
      ...attribute(
        profileOf(deep, [
          [20_001, 5],
          [0, 0],
        ]),
        dist,
      ),
    ];
    expect(found).toEqual([{ room: 'kube', within: ['kube'], us: 5 }]);
  });

  it('is put together from files that name their process', () => {
    expect(pidOf(profileName(123, 4, 5))).toBe(123);
    expect(pidOf('notes.txt')).toBeUndefined();
  });
});

describe('the table of costs', () => {
  const cost = { nodes: 10, podsStarted: 100, verdict: 'pass', shareWithin: 0.12 };

  it('has every room of both sides, and says whether the goal was met', () => {
    const [conductor, fleet] = [
      { measure: 1, kube: 2 },
      { hollow: 16, metrics: 1 },
    ];
    const text = renderCost({ ...cost, conductor, fleet, share: 0.1 });
    expect(text).toContain('| hollow | 0.0 | 16.0 | 80.0 % |');
    expect(text).toContain('| measure | 1.0 | 0.0 | 5.0 % |');
    expect(text).toContain(
      'measure and metrics: 10.0 % of the harness (goal: at most 5.0 %, missed); with all',
    );
    expect(renderCost({ ...cost, conductor, fleet, share: 0.05 })).toContain('at most 5.0 %, met)');
    // What the exit code follows.
    expect([0.05, 0.051, Number.NaN].map((share) => meetsCostGoal({ share }))).toEqual([true, false, false]);
  });
});
