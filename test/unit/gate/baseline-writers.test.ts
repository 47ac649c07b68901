import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { acceptBaseline, addToBaseline, baselineRuns } from '../../../src/gate/baseline.ts';
import type { GateRun } from '../../../src/gate/gate-run.ts';
import { gateRun, gateSli } from './gate-fixtures.ts';

/** Called once before the next file is written, as if somebody else's turn came just then. */
const turns = vi.hoisted(() => ({ before: [] as (() => void)[] }));

vi.mock('../../../src/result/atomic-file.ts', async (original) => {
  const actual = await original<typeof import('../../../src/result/atomic-file.ts')>();
  return {
    ...actual,
    writeFileAtomically: (path: string, content: string) => {
      turns.before.pop()?.();
      actual.writeFileAtomically(path, content);
    },
  };
});

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-writers-'));
  turns.before = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const night = (index: number, kubernetes = 'v1.36.3'): GateRun => {
  const run = gateRun(index, [gateSli('pod-startup-precise', 1e6)]);
  return { ...run, identity: { ...run.identity, kubernetes } };
};
const older = night(1);
const newer = night(2, 'v9.9.9');
const add = (run: GateRun): unknown => addToBaseline(dir, [run], { keep: 9, allowed: [] });
const ids = (): string[] => baselineRuns(dir).map(({ id }) => id);

describe('two that write a baseline at once', () => {
  it('leave no unlike runs where both add: who sees the other takes back its own', () => {
    turns.before = [() => add(older)];
    expect(() => add(newer)).toThrow('run-2 is unlike run run-1');
    expect(ids()).toEqual(['run-1']);
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it('bring back nothing that the other has taken away', () => {
    add(older);
    turns.before = [() => acceptBaseline(dir, [newer], [])];
    expect(() => add(older)).toThrow('run-1 is unlike run run-2');
    expect(ids()).toEqual(['run-2']);
  });

  it('leave no unlike runs where one adds while the other begins anew, whoever is first', () => {
    add(older);
    turns.before = [() => add(night(3))];
    acceptBaseline(dir, [newer], []);
    expect(ids()).toEqual(['run-2']);
    turns.before = [() => acceptBaseline(dir, [night(4)], [])];
    expect(() => add(night(5, 'v9.9.9'))).toThrow('run-5 is unlike run run-4');
    expect(ids()).toEqual(['run-4']);
  });

  it('both keep what they add where it is alike', () => {
    turns.before = [() => add(night(6))];
    add(night(7));
    expect(ids()).toEqual(['run-6', 'run-7']);
  });
});
