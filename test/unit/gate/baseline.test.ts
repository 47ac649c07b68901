import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { acceptBaseline, addToBaseline, baselineRuns, pruneBaseline } from '../../../src/gate/baseline.ts';
import type { GateRun } from '../../../src/gate/gate-run.ts';
import { passGate } from '../../../src/gate/gate.ts';
import { differencesOf } from '../../../src/gate/identity.ts';
import { readBaseline, readRuns } from '../../../src/gate/read-runs.ts';
import { defaultRules, ruleDefaults } from '../../../src/gate/rules.ts';
import { countedRuns } from '../../../src/gate/select-runs.ts';
import { sampleResult } from '../report/sample-result.ts';
import { gateRun, gateSli } from './gate-fixtures.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-baseline-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const night = (index: number, change: Partial<GateRun> = {}): GateRun =>
  gateRun(index, [gateSli('pod-startup-precise', 1e6 + index)], change);

const ids = (runs: readonly GateRun[]): string[] => runs.map(({ id }) => id);

const keep = (count: number): { keep: number; allowed: [] } => ({ keep: count, allowed: [] });

describe('a baseline', () => {
  it('keeps the newest runs, oldest first, and gives back what it was given', () => {
    for (const index of [2, 0, 3, 1]) addToBaseline(dir, [night(index)], keep(3));
    expect(baselineRuns(dir)).toEqual([1, 2, 3].map((index) => night(index)));
    // One that is older than all others goes at once.
    expect(addToBaseline(dir, [night(0)], keep(3)).removed).toEqual(['run-0']);
    expect(pruneBaseline(dir, 1)).toEqual(['run-1', 'run-2']);
    expect(readdirSync(dir)).toEqual(['run-3.run.json']);
  });

  it('has a run once, however often it is added', () => {
    addToBaseline(dir, [night(1)], keep(5));
    addToBaseline(dir, [night(1)], keep(5));
    expect(ids(baselineRuns(dir))).toEqual(['run-1']);
  });

  it('is made of whole, valid runs that pass', () => {
    for (const change of [
      { verdict: 'fail' },
      { verdict: 'invalid', unusable: 'invalid' },
      { unusable: 'cut short' },
    ] as const) {
      expect(() => addToBaseline(dir, [night(1, change)], keep(5))).toThrow('does not belong');
    }
    expect(readdirSync(dir)).toEqual([]);
  });

  it('takes nothing that is unlike what is there, unless it is told to begin anew', () => {
    const { identity } = night(0);
    const other = night(2, { identity: { ...identity, kubernetes: 'v9.9.9' } });
    addToBaseline(dir, [night(0), night(1)], keep(5));
    expect(() => addToBaseline(dir, [other], keep(5))).toThrow(/cluster\.version: .* there, v9\.9\.9 here/);
    addToBaseline(join(dir, 'mixed'), [night(0)], keep(5));
    addToBaseline(join(dir, 'mixed'), [other], { keep: 5, allowed: ['version'] });
    expect(ids(baselineRuns(join(dir, 'mixed')))).toEqual(['run-0', 'run-2']);
    // The newest of those that are there is not all of them.
    const like = night(3, { identity: other.identity });
    expect(() => addToBaseline(join(dir, 'mixed'), [like], keep(5))).toThrow('run-0');
    expect(acceptBaseline(dir, [other], []).removed.toSorted()).toEqual(['run-0', 'run-1']);
    expect(ids(baselineRuns(dir))).toEqual(['run-2']);
  });

  it('says how to begin anew where what is there is unlike', () => {
    const { identity } = night(0);
    addToBaseline(dir, [night(0)], keep(5));
    const other = night(1, { identity: { ...identity, kubernetes: 'v9.9.9' } });
    expect(() => addToBaseline(dir, [other], keep(5))).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining('hollowmark baseline accept') as string,
      }) as Error,
    );
  });

  it('is made of its own files, whatever else lies in its folder', () => {
    for (const index of [1, 2]) addToBaseline(dir, [night(index)], keep(5));
    const result = sampleResult();
    mkdirSync(join(dir, 'tonight'));
    writeFileSync(join(dir, 'tonight/result.json'), JSON.stringify(result));
    writeFileSync(join(dir, 'result.json'), JSON.stringify(result));
    expect(ids(baselineRuns(dir))).toEqual(['run-1', 'run-2']);
    expect(pruneBaseline(dir, 2)).toEqual([]);
    expect(pruneBaseline(dir, 1)).toEqual(['run-1']);
  });

  it('can be begun anew when what is there is damaged, or of another version', () => {
    addToBaseline(dir, [night(0)], keep(5));
    writeFileSync(join(dir, 'run-1.run.json'), '{');
    expect(() => addToBaseline(dir, [night(2)], keep(5))).toThrow('run-1.run.json is not JSON');
    expect(acceptBaseline(dir, [night(2)], []).removed.toSorted()).toEqual(['run-0', 'run-1']);
    expect(ids(baselineRuns(dir))).toEqual(['run-2']);
    const later = { ...night(3), schema: 'hollowmark.baseline-run/v2' };
    writeFileSync(join(dir, 'run-3.run.json'), JSON.stringify(later));
    expect(() => baselineRuns(dir)).toThrow('written by another version of Hollowmark');
    acceptBaseline(dir, [night(2)], []);
    expect(ids(baselineRuns(dir))).toEqual(['run-2']);
  });

  it('names files by words, and keeps apart ids that become the same', () => {
    addToBaseline(dir, [night(0, { id: '../a b' }), night(1, { id: '../a_b' })], keep(5));
    expect(readdirSync(dir)).toHaveLength(2);
    expect(ids(baselineRuns(dir))).toEqual(['../a b', '../a_b']);
    expect(existsSync(join(dir, '..', 'a b.run.json'))).toBe(false);
  });

  it('says which file is damaged, and reads no other files', () => {
    addToBaseline(dir, [night(0)], keep(5));
    writeFileSync(join(dir, 'noise.json'), '{}');
    writeFileSync(join(dir, '.run-9.run.json.1.tmp'), '{');
    expect(ids(baselineRuns(dir))).toEqual(['run-0']);
    writeFileSync(join(dir, 'run-1.run.json'), '{');
    expect(() => baselineRuns(dir)).toThrow('run-1.run.json is not JSON');
    const { id: _, ...cut } = night(1);
    writeFileSync(join(dir, 'run-1.run.json'), JSON.stringify(cut));
    expect(() => baselineRuns(dir)).toThrow(/run-1\.run\.json: \$ must have required property 'id'/);
  });

  it('has no runs where there is no folder, which a gate is told of', () => {
    expect(baselineRuns(join(dir, 'none'))).toEqual([]);
    expect(() => readRuns(join(dir, 'none'))).toThrow('there is no such file or folder');
    mkdirSync(join(dir, 'empty'));
    expect(readRuns(join(dir, 'empty'))).toEqual([]);
  });
});

describe('runs of a folder', () => {
  const write = (name: string, id: string, index: number): void => {
    const result = sampleResult({ nodes: 2, pods: 10 });
    result.run.id = id;
    result.run.startedAt = new Date(Date.UTC(2026, 0, 1 + index)).toISOString();
    mkdirSync(join(dir, name), { recursive: true });
    writeFileSync(join(dir, name, 'result.json'), JSON.stringify(result));
  };
  const read = (path = '.'): [id: string, named: boolean][] =>
    readRuns(join(dir, path)).map(({ run, named }) => [run.id, named]);

  it('are those that a set lists, and none that lie there from before', () => {
    for (const index of [1, 2, 3]) write(`run-${index}`, `run-${index}`, index);
    expect(read()).toHaveLength(3);
    const runs = [{ folder: 'run-2' }, { folder: 'run-1' }, { folder: '../elsewhere' }, { folder: 'gone' }];
    writeFileSync(join(dir, 'repeats.json'), JSON.stringify({ runs }));
    write('.', 'old', 0);
    expect(read()).toEqual([
      ['run-1', false],
      ['run-2', false],
    ]);
    // A noise file that was put beside a baseline lists runs that are not here.
    writeFileSync(join(dir, 'repeats.json'), JSON.stringify({ runs: [{ folder: 'run-9' }] }));
    expect(read()).toEqual([['old', true]]);
  });

  it('are named where the path stands for one alone', () => {
    write('one', 'one', 1);
    expect(read('one')).toEqual([['one', true]]);
    expect(read('one/result.json')).toEqual([['one', true]]);
    expect(read()).toEqual([['one', false]]);
  });

  it('are left out when they do not count, and refused when they were named or none is left', () => {
    const lost = { run: night(1, { unusable: 'invalid' }), named: false };
    const good = { run: night(2), named: false };
    expect(countedRuns([lost, good], [])).toEqual({
      counted: [good],
      notes: ['left out: run run-1 does not count: invalid'],
      refusal: undefined,
    });
    expect(countedRuns([lost], []).refusal).toBe('no run counts: run run-1 does not count: invalid');
    expect(countedRuns([{ ...lost, named: true }, good], []).refusal).toBe(
      'run run-1 does not count: invalid',
    );
    expect(countedRuns([lost, good], ['invalid']).counted).toHaveLength(2);
    expect(countedRuns([], []).refusal).toBeUndefined();
  });

  it('are none where a baseline has not been begun, but a file that is not there is a slip', () => {
    expect(readBaseline(join(dir, 'none'))).toBeUndefined();
    expect(() => readBaseline(join(dir, 'none/result.json'))).toThrow('there is no such file or folder');
  });
});

describe('runs that are compared', () => {
  const request = { rules: defaultRules, noise: undefined, allowed: [], notes: [] };

  it('are refused with the fields that differ, and compared when that is allowed', () => {
    const { identity } = night(0);
    const { machine } = identity;
    const other = night(9, {
      identity: {
        ...identity,
        machine: { ...machine, cpuCount: 99 },
        parameters: { ...(identity.parameters as object), extra: 1 },
      },
    });
    const given = { ...request, baseline: [night(0), night(1), night(2)], candidate: [other] };
    expect(() => passGate(given)).toThrow(
      /machine\.cpuCount: \d+ there, 99 here; run\.parameters\.extra: nothing there, 1 here/,
    );
    expect(() => passGate({ ...given, allowed: ['machine'] })).toThrow('run.parameters.extra');
    const { notes } = passGate({ ...given, allowed: ['machine', 'scenario'] });
    expect(notes).toEqual([
      expect.stringMatching(/^allowed: machine\.cpuCount: \d+ and 99$/),
      'allowed: run.parameters.extra: nothing and 1',
    ]);
  });

  it('are refused when they do not count', () => {
    const candidate = [night(9, { unusable: 'cut short' })];
    const given = { ...request, baseline: [night(0), night(1), night(2)], candidate };
    expect(() => passGate(given)).toThrow('run run-9 does not count: cut short');
    expect(passGate({ ...given, allowed: ['invalid'] }).notes).toEqual([
      'allowed: run run-9 does not count: cut short',
    ]);
  });

  it('are refused when a rule is about none of them, with what was meant perhaps', () => {
    const baseline = [0, 1, 2].map((index) => night(index));
    const refused = (sli: string, labels: Record<string, string> = {}): (() => unknown) => {
      const rules = [...defaultRules, { ...ruleDefaults, sli, labels }];
      return () => passGate({ ...request, rules, baseline, candidate: [night(9)] });
    };
    expect(refused('pod-strtup-precise')).toThrow(
      'rule 5: no run has such an SLI: pod-strtup-precise; did you mean pod-startup-precise?',
    );
    expect(refused('watch-delivery')).toThrow(/rule 5: no run has such an SLI: watch-delivery$/);
    expect(refused('pod-startup-precise', { kind: 'x' })).toThrow('pod-startup-precise has no label kind');
    expect(refused('pod-startup-precise')).not.toThrow();
    // The first night may lack what the second one has.
    const rules = [{ ...ruleDefaults, sli: 'watch-delivery' }];
    expect(passGate({ ...request, rules, baseline: [], candidate: [night(9)] }).rows[0]?.reason).toBe(
      'no run has such an SLI',
    );
  });

  it('are not compared with themselves', () => {
    const baseline = [0, 1, 2, 3].map((index) => night(index));
    const { baseline: used } = passGate({ ...request, baseline, candidate: [night(3)] });
    expect(used.map(({ id }) => id)).toEqual(['run-0', 'run-1', 'run-2']);
    const twice = passGate({ ...request, baseline, candidate: [night(9), night(9)] });
    expect(twice.candidate).toHaveLength(1);
    expect(() => passGate({ ...request, baseline: [night(3)], candidate: [night(3)] })).toThrow('same runs');
  });

  it('may differ in a little memory that the kernel keeps, in ports and in places', () => {
    const { identity } = night(0);
    const memoryBytes = Math.round(identity.machine.memoryBytes * 1.01);
    const near = { ...identity, machine: { ...identity.machine, memoryBytes } };
    expect(differencesOf(identity, near)).toEqual([]);
    const far = { ...identity, machine: { ...identity.machine, memoryBytes: memoryBytes * 2 } };
    expect(differencesOf(identity, far)).toMatchObject([{ field: 'machine.memoryBytes' }]);
  });
});
