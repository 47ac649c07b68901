import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCodes, worseOf } from '../../../src/cli/exit-codes.ts';
import { expectedIdentity } from '../../../src/cli/expected-identity.ts';
import { type GatePlan, type JudgedRun, gateAfter, gatePlanOf } from '../../../src/cli/gate-after.ts';
import { gateRunOf } from '../../../src/gate/gate-run.ts';
import { identityOf } from '../../../src/gate/identity.ts';
import { gateFileName, readOutcome } from '../../../src/gate/read-outcome.ts';
import { defaultRules } from '../../../src/gate/rules.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { parseScenario } from '../../../src/scenario/load-scenario.ts';
import { nightFactors, runOf, writeRun } from './gate-runs.ts';

// Samples are made and read many times; on a busy machine that takes seconds.
vi.setConfig({ testTimeout: 60_000 });

let dir: string;
let stderr: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-after-'));
  stderr = '';
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true, force: true });
});

const plan = (change: Partial<GatePlan> = {}): GatePlan => ({
  rules: defaultRules,
  baseline: nightFactors.map((factor, index) => gateRunOf(runOf(`night-${index}`, factor))),
  noise: undefined,
  allowed: [],
  notes: [],
  strict: false,
  ...change,
});

function over(folder: string, id: string, factor: number, change?: (result: RunResult) => void): JudgedRun {
  const result = runOf(id, factor, change);
  writeRun(join(dir, folder), result);
  return { result, folder: join(dir, folder) };
}

const after = (given: GatePlan, runs: readonly JudgedRun[], out = '.'): number =>
  gateAfter(given, runs, { out: join(dir, out), json: false });

const said = (folder: string): string => {
  const { outcome } = readOutcome(join(dir, folder, gateFileName));
  return `${outcome.verdict} of ${outcome.candidate.map(({ id }) => id).join(' ')}`;
};

describe('the gate after a run', () => {
  it('says beside the result and in its JUnit file what it found', () => {
    expect(after(plan(), [over('tonight', 'tonight', 1.6)], 'tonight')).toBe(exitCodes.regression);
    expect(said('tonight')).toBe('worse of tonight');
    expect(readFileSync(join(dir, 'tonight/junit.xml'), 'utf8')).toContain('type="regression"');
  });

  it('judges those of several runs that count, and says so beside each and for all of them', () => {
    const invalid = (result: RunResult): void => void Object.assign(result, { verdict: 'invalid' });
    const runs = [over('run-1', 'a', 1.6), over('run-2', 'b', 1, invalid), over('run-3', 'c', 1.61)];
    expect(after(plan(), runs)).toBe(exitCodes.regression);
    expect(['.', 'run-1', 'run-3'].map(said)).toEqual(Array.from({ length: 3 }, () => 'worse of a c'));
    expect(existsSync(join(dir, 'run-2', gateFileName))).toBe(false);
    expect(readOutcome(join(dir, gateFileName)).outcome.notes).toEqual([
      'left out: run b does not count: invalid',
    ]);
    expect(readFileSync(join(dir, 'junit.xml'), 'utf8')).toContain('type="regression"');
  });

  it('writes the pages of runs anew, so that none says only that it passed', () => {
    const runs = [over('run-1', 'a', 1.6), over('run-2', 'b', 1.61), over('run-3', 'c', 1.6)];
    const page = (folder: string): string => join(dir, folder, 'report.html');
    for (const folder of ['run-1', 'run-3']) writeFileSync(page(folder), 'Passed');
    // Not the result of a run that was judged.
    writeRun(join(dir, 'run-3'), runOf('another', 1));
    expect(after(plan(), runs)).toBe(exitCodes.regression);
    expect(readFileSync(page('run-1'), 'utf8')).toContain('Passed, but worse than the baseline');
    expect(existsSync(page('run-2'))).toBe(false);
    expect(readFileSync(page('run-3'), 'utf8')).toBe('Passed');
  });

  it('says why it refuses runs, and does not throw: their own outcome stands', () => {
    const other = (result: RunResult): void => void Object.assign(result.machine, { cpuCount: 99 });
    expect(after(plan(), [over('tonight', 'tonight', 1, other)])).toBe(exitCodes.badInput);
    expect(stderr).toContain('machine.cpuCount: 2 there, 99 here');
    expect(existsSync(join(dir, gateFileName))).toBe(false);
    const invalid = (result: RunResult): void => void Object.assign(result, { verdict: 'invalid' });
    expect(after(plan(), [over('lost', 'lost', 1, invalid)])).toBe(exitCodes.invalid);
    expect(stderr).toContain('not judged by the gate: no run counts: run lost does not count: invalid');
  });

  it('says a regression whatever else the run missed, but for what ended it', () => {
    const { pass, internal, badInput, missed, regression, invalid, cluster, interrupted, terminated } =
      exitCodes;
    for (const ofRun of [pass, missed, invalid]) expect(worseOf(ofRun, regression)).toBe(regression);
    for (const ofRun of [internal, badInput, cluster, interrupted, terminated]) {
      expect(worseOf(ofRun, regression)).toBe(ofRun);
    }
    for (const ofGate of [pass, badInput, invalid]) {
      expect(worseOf(pass, ofGate)).toBe(ofGate);
      expect(worseOf(missed, ofGate)).toBe(missed);
    }
  });
});

const text = JSON.stringify({
  name: 'tiny',
  nodes: { count: 3 },
  phases: [{ type: 'wait', for: 'nodes-ready' }],
});

type What = Parameters<typeof gatePlanOf>[1];

function whatOf(flags: Partial<What['flags']> = {}): What {
  const loaded = parseScenario(text, 'tiny.yaml', { sets: [] });
  return { loaded, flags: flags as What['flags'], warnings: [] };
}

describe('what is known of a run before it begins', () => {
  const like = identityOf(runOf('like', 1));

  it('is scenario, machine, tool and flags, as the run will have them', () => {
    vi.stubEnv('KUBEBUILDER_ASSETS', undefined);
    const known = expectedIdentity(whatOf({ profile: 'kubemark', wire: 'json', flags: 'default' }), like);
    expect(known).toMatchObject({
      scenario: 'tiny',
      seed: '1',
      tool: { node: process.version },
      flags: { profile: 'default', components: like.flags.components },
      wire: { profile: 'kubemark', identity: 'certificate', codec: 'json' },
      server: null,
    });
    expect(known.parameters).toEqual(JSON.parse(JSON.stringify(whatOf().loaded.document)));
    expect(known.machine.cpuCount).toBeGreaterThan(0);
    expect(expectedIdentity(whatOf({ kubernetesVersion: '1.35.4' }), like).kubernetes).toBe('v1.35.4');
    vi.unstubAllEnvs();
  });

  it('leaves open what only the cluster can tell', () => {
    const named = expectedIdentity(whatOf({ binaries: '/bin' }), { ...like, kubernetes: 'v1.2.3' });
    expect(named.kubernetes).toBe('v1.2.3');
    const foreign = { ...like, server: 'https://127.0.0.1:6443', kubernetes: 'v1.2.3' };
    expect(expectedIdentity(whatOf({ kubeconfig: 'x' }), foreign)).toMatchObject({
      server: 'https://127.0.0.1:6443',
      kubernetes: 'v1.2.3',
      flags: like.flags,
      wire: { identity: like.wire.identity },
    });
  });

  it('is enough to refuse a run, and to let through one that is like the baseline', () => {
    const flags = {
      baseline: join(dir, 'nights'),
      rules: undefined,
      noise: undefined,
      allow: undefined,
      strict: false,
    };
    const run = (change: (result: RunResult) => void): string =>
      writeRun(join(dir, 'nights/run-1'), runOf('night', 1, change));
    run((result) => {
      const expected = expectedIdentity(whatOf(), identityOf(result));
      const { scenario, seed, parameters, machine, kubernetes, tool, wire } = expected;
      Object.assign(result.run, { scenario, seed, parameters });
      Object.assign(result.cluster, { version: kubernetes, profile: expected.flags.profile });
      Object.assign(result, { machine, wire });
      Object.assign(result.tool, tool);
      result.run.phases.splice(1);
      delete result.run.invocation;
    });
    expect(gatePlanOf(flags, whatOf())?.baseline).toHaveLength(1);
    expect(() => gatePlanOf(flags, whatOf({ wire: 'json' }))).toThrow(
      'this run would be unlike run night: wire.codec: protobuf there, json here',
    );
    expect(gatePlanOf({ ...flags, allow: ['wire'] }, whatOf({ wire: 'json' }))?.baseline).toHaveLength(1);
  });
});
