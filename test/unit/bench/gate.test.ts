import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { gateEvidence, missedLimits, renderGateEvidence } from '../../../src/bench/gate/gate-evidence.ts';
import { keepRun, keptRuns, nextSide, scenarioText } from '../../../src/bench/gate/gate-runs.ts';
import {
  type ToldRow,
  alikeTrials,
  slowed,
  toldTrials,
  unlikeTrials,
} from '../../../src/bench/gate/trials.ts';
import { ruleDefaults } from '../../../src/gate/rules.ts';
import { totalPods } from '../../../src/scenario/estimate.ts';
import { parseScenario } from '../../../src/scenario/load-scenario.ts';
import { randomRuns } from '../gate/gate-fixtures.ts';

vi.setConfig({ testTimeout: 60_000 });

describe('the benchmark of the gate', () => {
  const rules = [{ ...ruleDefaults, sli: 'api-call', allowedRatio: 1 }];
  const runs = (seed: string, factor = 1) =>
    randomRuns(new Prng(seed), { runs: 32, series: 5, deviation: 0.05 }).map((run) => ({
      ...run,
      slis: run.slis.map((sli) => ({ ...sli, p99: sli.p99 * factor })),
    }));
  const options = { baseline: 10, candidates: 1, trials: 300, rules, seed: 'trials' };

  it('counts alarms where there should be none, and where there should be some', () => {
    expect(alikeTrials(runs('a'), options).alarms).toBeLessThanOrEqual(6);
    expect(alikeTrials(runs('a'), options).rules).toBe(5);
    expect(unlikeTrials(runs('a'), runs('b', 2), options).alarms).toBe(300);
  });

  it('makes each rule slower alone, by as much as is said of it', () => {
    const told = toldTrials(runs('a'), options);
    expect(told.map(({ labels }) => labels['resource'])).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
    for (const { said, seen } of told) {
      expect(said).toBe(300);
      expect(seen / said).toBeGreaterThan(0.85);
    }
    // Were other quantiles of the series slower with the one that is tried, Holm's steps would help both.
    const [run] = slowed(
      runs('a').slice(0, 1),
      { id: 'api-call', labels: { resource: 'r1' }, quantile: 0.5 },
      2,
    );
    const changed = run?.slis.flatMap((sli, series) => {
      const before = runs('a')[0]?.slis[series];
      const keys = (['p50', 'p90', 'p99', 'p999'] as const).filter((key) => sli[key] !== before?.[key]);
      return keys.map((key) => `r${series} ${key} ×${sli[key] / (before?.[key] ?? 0)}`);
    });
    expect(changed).toEqual(['r1 p50 ×2']);
    // One side alone has no spread, and says of nothing that it would see it.
    expect(toldTrials(runs('a'), { ...options, baseline: 1 })).toEqual([]);
  });

  it('does the runs of both sides in turns, and none too many', () => {
    const wanted = { plain: 6, delayed: 2 };
    const done = { plain: 0, delayed: 0 };
    const order: string[] = [];
    for (let side = nextSide(wanted, done); side !== undefined; side = nextSide(wanted, done)) {
      order.push(side);
      done[side]++;
    }
    const [p, d] = ['plain', 'delayed'];
    expect(order).toEqual([p, d, p, p, p, d, p, p]);
    expect(nextSide({ plain: 1, delayed: 0 }, { plain: 0, delayed: 0 })).toBe(p);
  });

  it('tells what there is, also of few runs, and what they do not show', () => {
    const evidence = gateEvidence(
      { plain: [], delayed: [], invalid: 2 },
      { trials: 3, delayMs: 5, seed: 's' },
    );
    const text = renderGateEvidence(evidence);
    expect(text).toContain('0 runs without a delay and 0 with one; 2 more did not count.');
    expect(missedLimits(evidence)).toEqual([
      '0 runs and 3 calls: at least 30 and 300 are wanted',
      'no runs with etcd 5 ms further away',
    ]);
    expect(text).toContain('Missed: 0 runs and 3 calls');
  });

  it('holds the gate to what it promises', () => {
    const given = { trials: 300, delayMs: 5, seed: 'limits', rules };
    const whole = { plain: runs('a'), delayed: runs('b', 2), invalid: 0 };
    const evidence = gateEvidence(whole, given);
    expect(evidence.rows).toHaveLength(4);
    expect(evidence.needed).toMatchObject({ id: 'api-call', labels: { resource: 'r0' }, limit: 1 });
    expect(renderGateEvidence(evidence)).toContain(
      'p99 api-call: resource=r0: to see a change of +10 % takes',
    );
    // Of each limit a set that misses it.
    const missed = (change: Partial<typeof whole>): string =>
      missedLimits(gateEvidence({ ...whole, ...change }, { ...given, trials: 30 })).join('\n');
    expect(missedLimits({ ...evidence, rows: good(evidence.rows) })).toEqual([]);
    expect(missed({ plain: runs('a').slice(0, 29) })).toContain('29 runs and 30 calls');
    expect(missed({ delayed: runs('b') })).toContain('etcd 5 ms further away was found in');
    const [first, ...others] = good(evidence.rows);
    if (first === undefined) throw new Error('there are designs');
    const alarming = { ...first, alike: { ...first.alike, alarms: 4 } };
    expect(missedLimits({ ...evidence, rows: [alarming, ...others] })).toEqual([
      '10 baseline runs and 1 to judge: false alarms in 4 of 300 (1.3 %)',
    ]);
    // What is said to be seen: over all five rules, and of the one where least is.
    const missedOf = (seen: readonly number[]): string[] =>
      missedLimits({ ...evidence, rows: [{ ...first, told: told(first.told, seen) }, ...others] });
    const saw = '10 baseline runs and 1 to judge: the change that it says it can see was seen in';
    expect(missedOf([300, 300, 300, 255, 300])).toEqual([]);
    expect(missedOf([300, 300, 300, 254, 300])).toEqual([
      `${saw} 254 of 300 (84.7 %) of p99 api-call: resource=r3`,
    ]);
    expect(missedOf([284, 285, 285, 285, 285])).toEqual([`${saw} 1424 of 1500 (94.9 %), over all rules`]);
    expect(missedLimits({ ...evidence, rows: [{ ...first, told: [] }, ...others] })).toEqual([
      '10 baseline runs and 1 to judge: it says of no rule which change it can see',
    ]);
    const text = renderGateEvidence({
      ...evidence,
      rows: [{ ...first, told: told(first.told, [284, 299]) }],
    });
    expect(text).toContain('| 1483 of 1500 (98.9 %) | 284 of 300 (94.7 %): p99 api-call: resource=r0 |');
  });

  const told = (rows: readonly ToldRow[], seen: readonly number[]): ToldRow[] =>
    rows.map((row, index) => ({ ...row, said: 300, seen: seen[index] ?? 300 }));

  /** The same with no more false alarms than there may be by chance, and all that is told seen. */
  function good(rows: ReturnType<typeof gateEvidence>['rows']): typeof rows {
    return rows.map((row) => ({ ...row, alike: { ...row.alike, alarms: 3 }, told: told(row.told, []) }));
  }

  it('has a scenario that can be run, with as many pods as a p99 takes', () => {
    const { scenario, warnings } = parseScenario(scenarioText(30), 'scenario', { sets: [] });
    expect(warnings).toEqual([]);
    expect(scenario.nodes.count).toBe(30);
    expect(totalPods(scenario)).toBe(30 * 5 + 150);
  });

  it('goes on from the runs that were kept, each side in its own folder', () => {
    const dir = mkdtempSync(join(tmpdir(), 'hollowmark-bench-'));
    try {
      const place = { dir, delayMs: 5 };
      expect(keptRuns(place)).toEqual({ plain: [], delayed: [] });
      const [first, second, third, fourth] = runs('kept');
      if (first === undefined || second === undefined || third === undefined || fourth === undefined) {
        throw new Error('there are runs');
      }
      keepRun(place, 0, first);
      keepRun(place, 0, second);
      keepRun(place, 5, third);
      // Of a call with another delay.
      keepRun({ dir, delayMs: 20 }, 20, fourth);
      expect(keptRuns(place)).toEqual({ plain: [first, second], delayed: [third] });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
