import { describe, expect, it } from 'vitest';
import { renderSummary } from '../../../src/report/terminal/summary.ts';
import type { RunVerdict } from '../../../src/result/result.ts';
import { hostileName, sampleResult } from './sample-result.ts';

const verdicts: RunVerdict[] = ['pass', 'fail', 'invalid', 'inconclusive', 'interrupted'];

describe('renderSummary', () => {
  it('shows a passing run', () => {
    expect(
      renderSummary(sampleResult(), { color: false, columns: 120, timeZone: 'Europe/Berlin' }),
    ).toMatchInlineSnapshot(`
      "PASS  All SLOs were met: 99 % of 1,000 pods started within 1.42 s, and the slowest kind of API call took 112 ms at p99.

      ✓ pod-startup: p99 2.25 s of 5 s (45 %)
      ✓ pod-startup-precise: p99 1.67 s of 5 s (33.4 %)
      ✓ api-call: PATCH nodes/status (resource): p99 28.6 ms of 1 s (2.86 %); 12 more met

      nodes  100 of 100 ready
      pods   1,000 of 1,000 started  startup p50 675 ms, p90 910 ms, p99 1.67 s
      sent   create 39.9 of 40/s
      slo    7 of 7 windows good (100 %), 1 undecided
      api    0.17 % of probes without success, for up to 1 s
      time   2026-03-04 06:06:07 CET, 1 min 2 s
      run    quickstart, Kubernetes v1.36.3, flags scale, seed sample
      · The run was shorter than an SLO window (5 min): it is judged over its whole length.
      · etcd ran with --unsafe-no-fsync: figures on disk writes mean nothing."
    `);
  });

  it('tells network programming latency where there were Services', () => {
    const result = sampleResult();
    const [first] = result.slis;
    if (first === undefined) throw new Error('a sample without SLIs');
    const { slo: _, ...unjudged } = first;
    result.slis.push({
      ...unjudged,
      id: 'network-programming',
      count: 4_200,
      p50: 800_000,
      p90: 1_500_000,
      p99: 2_000_000,
    });
    expect(renderSummary(result, { color: false, columns: 120 }).split('\n')).toContain(
      'rules  4,200 changes programmed  network programming p50 800 ms, p90 1.5 s, p99 2 s',
    );
  });

  it('tells good windows, outages and some figures', () => {
    const result = sampleResult();
    const [first] = result.figures;
    if (first === undefined) throw new Error('a sample without figures');
    result.windows = { ...result.windows, stepMs: 5_000, good: 9, bad: 3, undecided: 2 };
    result.run.parameters = { windows: { goodMinutesMin: 0.9 } };
    result.figures = [
      { ...first, labels: { part: 'total' } },
      { ...first, labels: { part: 'in-use' }, value: 1 },
      { ...first, id: 'scheduling-throughput', unit: 'per-second', value: 39.21 },
      { ...first, id: 'burst-startup', labels: { phase: 'fill' }, unit: 'us', value: 12_300_000 },
      { ...first, id: 'api-availability', unit: 'ratio', value: 0.9996 },
      { ...first, id: 'api-unavailable-longest', unit: 'us', value: 2_000_000 },
    ];
    const lines = renderSummary(result, { color: false, columns: 120 }).split('\n');
    expect(lines).toContain('slo    9 of 12 windows good (75 %), 2 undecided; 90 % asked for');
    expect(lines).toContain('api    0.04 % of probes without success, for up to 2 s');
    expect(lines).toContain('also   etcd 46 MiB, 39.2/s pods scheduled, burst fill 12.3 s');
  });

  it('shows a run that failed', () => {
    expect(
      renderSummary(sampleResult({ verdict: 'fail' }), { color: false, columns: 100, timeZone: 'UTC' }),
    ).toMatchInlineSnapshot(`
      "FAIL  Pod startup missed its SLO: the p99 was 7.9 s, the threshold is 5 s.

      ✕ pod-startup: p99 10.6 s of 5 s (212 %)
      ✕ pod-startup-precise: p99 10 s of 5 s (201 %)
      ✓ api-call: PATCH nodes/status (resource): p99 28.6 ms of 1 s (2.86 %); 12 more met

      nodes  100 of 100 ready
      pods   1,000 of 1,000 started  startup p50 4.05 s, p90 5.46 s, p99 10 s
      sent   create 39.9 of 40/s
      slo    5 of 7 windows good (71.4 %), 1 undecided
      api    0.17 % of probes without success, for up to 1 s
      time   2026-03-04 05:06:07 UTC, 1 min 2 s
      run    quickstart, Kubernetes v1.36.3, flags scale, seed sample
      ✕ load/create: POST pods in density-1: 429 Too Many Requests, given up after 5 tries.
      · The run was shorter than an SLO window (5 min): it is judged over its whole length.
      · etcd ran with --unsafe-no-fsync: figures on disk writes mean nothing."
    `);
  });

  it.each(verdicts)('fits the screen: %s', (verdict) => {
    for (const columns of [0, 20, 80, 200]) {
      const result = sampleResult({ verdict, hostileName, extraApiRows: 200 });
      result.notes = Array.from({ length: 40 }, (_, index) => `note ${index}`);
      result.failures = Array.from({ length: 40 }, (_, index) => ({
        atMs: index,
        where: 'load',
        message: hostileName,
      }));
      for (const sli of result.slis) if (sli.slo !== undefined) sli.slo.verdict = 'fail';
      const lines = renderSummary(result, { color: false, columns }).split('\n');
      expect(lines.length).toBeLessThanOrEqual(22);
      for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(Math.max(20, columns));
      expect(lines[0]).toContain(verdict.toUpperCase());
    }
  });

  it('lets no name from a cluster move the cursor', () => {
    const summary = renderSummary(sampleResult({ hostileName: 'a\u001b[2Jb\rc\nd\u202ee' }), {
      color: false,
      columns: 80,
    });
    expect(summary.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Cf}/u);
  });

  it('uses colour only when asked', () => {
    expect(renderSummary(sampleResult(), { color: true, columns: 80 })).toContain('\u001b[32m');
    expect(renderSummary(sampleResult(), { color: false, columns: 80 })).not.toContain('\u001b');
  });

  it('says that there is nothing where there is nothing', () => {
    const summary = renderSummary({ ...sampleResult(), slis: [] }, { color: false, columns: 80 });
    expect(summary).toContain('No SLO was judged.');
  });
});
