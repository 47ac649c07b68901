import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GateRun } from '../../../src/gate/gate-run.ts';
import { type GateRequest, passGate } from '../../../src/gate/gate.ts';
import { noiseOf } from '../../../src/gate/noise.ts';
import { type KnownNoise, noiseWithout, readNoise } from '../../../src/gate/read-noise.ts';
import type { FinishedRun } from '../../../src/gate/run-set.ts';
import { ruleDefaults } from '../../../src/gate/rules.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { toSli } from '../../../src/result/summarise.ts';
import { sampleResult } from '../report/sample-result.ts';
import { gateRun, gateSli } from './gate-fixtures.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-noise-'));
  file = join(dir, 'noise.json');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const sample = { ...sampleResult(), timeline: [], slowestPods: [] };

/** Runs `noise-0`, `noise-1`, … of both sides in turns. */
function noiseOfValues(valuesUs: readonly number[]): ReturnType<typeof noiseOf> {
  const finished = valuesUs.map((us, index): FinishedRun => {
    const histogram = new Histogram();
    histogram.record(us, 200);
    const about = { definition: 'a', source: 'b', resolution: 'c', unit: 'us' as const };
    const result = structuredClone(sample);
    result.slis = [toSli(histogram, { id: 'pod-startup-precise', labels: {}, ...about })];
    result.verdict = 'pass';
    result.run.id = `noise-${index}`;
    for (const phase of result.run.phases) phase.outcome = 'completed';
    result.run.parameters = { phases: [...result.run.phases] };
    return { variant: index % 2, folder: `run-${index + 1}`, result };
  });
  return noiseOf(finished, { id: 'quiet', planned: valuesUs.length / 2 });
}

const values = [1e6, 1.01e6, 0.99e6, 1e6, 1.02e6, 0.98e6];

const readBack = (document: unknown): KnownNoise => {
  writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document));
  return readNoise(file);
};

describe('a noise file', () => {
  it('is read back as it was written', () => {
    const noise = noiseOfValues(values);
    const read = readBack(noise);
    expect(read.rows.map(({ logDeviation, degrees }) => [logDeviation, degrees])).toEqual(
      noise.rows.map(({ logDeviation, degrees }) => [logDeviation, degrees]),
    );
  });

  it('is refused with the place when it was changed or damaged', () => {
    const noise = noiseOfValues(values);
    const changed = (change: (copy: typeof noise) => void): (() => unknown) => {
      const copy = structuredClone(noise);
      change(copy);
      return () => readBack(copy);
    };
    expect(() => readBack('{')).toThrow('is not JSON');
    expect(() => readBack('null')).toThrow('is no noise file of this version');
    expect(changed((copy) => Object.assign(copy, { schema: 'hollowmark.noise/v2' }))).toThrow(
      'of this version',
    );
    expect(changed((copy) => Reflect.deleteProperty(copy, 'runs'))).toThrow("required property 'runs'");
    expect(changed((copy) => Object.assign(copy.machine, { cpuCount: 'two' }))).toThrow('$.machine.cpuCount');
    expect(changed((copy) => Object.assign(copy, { cluster: null }))).toThrow('$.cluster');
    expect(changed((copy) => Object.assign(copy.rows[0] ?? {}, { labels: null }))).toThrow('$.rows.0.labels');
    expect(changed((copy) => Object.assign(copy.rows[0] ?? {}, { degrees: 0 }))).toThrow('$.rows.0.degrees');
    expect(changed((copy) => copy.rows[0]?.values[0]?.pop())).toThrow('$.rows.0.values are not of its runs');
    expect(changed((copy) => copy.rows.splice(0))).toThrow('too few of its runs were valid');
    expect(changed((copy) => Object.assign(copy, { basis: 'invalid' }))).toThrow(
      'none of its runs was valid',
    );
    // A number that no double holds is read as Infinity.
    const text = JSON.stringify(noise).replace(/"logDeviation":[\d.e-]+/, '"logDeviation":1e999');
    expect(() => readBack(text)).toThrow('$.rows.0.logDeviation');
  });
});

describe('noise of runs that are compared themselves', () => {
  it('is known without them, and so not twice', () => {
    const noise = readBack(noiseOfValues(values));
    const { noise: rest, notes } = noiseWithout(noise, new Set(['noise-0', 'noise-5', 'other']));
    expect(notes).toEqual(['left out: 2 runs of the noise quiet: they are compared here']);
    const [row] = rest?.rows ?? [];
    expect(row?.values.map((side) => side.length)).toEqual([2, 2]);
    expect(row?.degrees).toBe(2);
    const [first = [], second = []] = row?.values ?? [];
    const half = [first, second].map(([a = 1, b = 1]) => Math.log(a / b) ** 2 / 2);
    expect(row?.logDeviation).toBeCloseTo(Math.sqrt(((half[0] ?? 0) + (half[1] ?? 0)) / 2), 9);
    expect(noiseWithout(noise, new Set(['other']))).toEqual({ noise, notes: [] });
  });

  it('is nothing when all of them are compared', () => {
    const noise = readBack(noiseOfValues(values));
    const ids = new Set(noise.runs.map(({ id }) => id));
    expect(noiseWithout(noise, ids)).toEqual({
      noise: undefined,
      notes: ['left out: the noise quiet: its runs are compared here'],
    });
  });

  it('is not counted by a gate, which says so', () => {
    const noise = readBack(noiseOfValues(values));
    const { scenario, seed, parameters } = noise;
    const night = (id: string, us: number): GateRun => {
      const run = gateRun(0, [gateSli('pod-startup-precise', us)], { id });
      return { ...run, identity: { ...run.identity, scenario, seed, parameters } };
    };
    const request: GateRequest = {
      rules: [{ ...ruleDefaults, sli: 'pod-startup-precise' }],
      baseline: [night('noise-0', values[0] ?? 1)],
      candidate: [night('tonight', 1e6)],
      noise,
      allowed: [],
      notes: ['left out: run x does not count: invalid'],
    };
    const { rows, notes } = passGate(request);
    expect(rows[0]?.compared?.spread?.degrees).toBe(3);
    expect(notes).toEqual([
      'left out: run x does not count: invalid',
      'left out: 1 run of the noise quiet: it is compared here',
    ]);
    const apart = passGate({ ...request, baseline: [night('earlier', 1e6)] });
    expect(apart.rows[0]?.compared?.spread?.degrees).toBe(4);
  });
});
