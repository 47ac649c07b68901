import { describe, expect, it } from 'vitest';
import { renderNoise, renderNoiseMarkdown } from '../../../src/cli/noise-table.ts';
import { renderRepeats, renderRepeatsMarkdown } from '../../../src/cli/repeats-table.ts';
import { changeText, percentOf } from '../../../src/cli/run-set-text.ts';
import { sharedWarnings, turns, worstExitCode } from '../../../src/cli/run-set.ts';
import { noiseOf } from '../../../src/gate/noise.ts';
import { summariseRepeats } from '../../../src/gate/repeats.ts';
import { type FinishedRun, keptOf } from '../../../src/gate/run-set.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { RunVerdict } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';
import { sampleResult } from '../report/sample-result.ts';

const sample = { ...sampleResult(), slis: [], timeline: [], slowestPods: [] };

/** Runs whose pods all took so many ms to start. */
function runs(
  startupMs: readonly number[],
  variants = 1,
  verdict: RunVerdict = 'pass',
  id = 'pod-startup-precise',
): FinishedRun[] {
  return startupMs.map((ms, index) => {
    const histogram = new Histogram();
    histogram.record(ms * 1000, 150);
    const about = { definition: 'd', source: 's', resolution: 'r', unit: 'us' as const };
    const startup = toSli(histogram, {
      id,
      labels: { kind: 'latency' },
      ...about,
      slo: { quantile: 0.99, threshold: 5e6 },
    });
    const unjudged = toSli(histogram, { id: 'pod-startup-phase', labels: { phase: 'sent' }, ...about });
    const result = { ...structuredClone(sample), verdict, slis: [startup, unjudged] };
    result.run.parameters = { phases: result.run.phases };
    for (const phase of result.run.phases) phase.outcome = 'completed';
    return { variant: index % variants, folder: `run-${index + 1}`, result };
  });
}

const wide = { color: false, columns: 120 };

describe('runs in turns', () => {
  it('begin with the other one each time, so that neither is the later one', () => {
    expect(turns(1, 3)).toEqual([0, 0, 0]);
    expect(turns(2, 3)).toEqual([0, 1, 1, 0, 0, 1]);
    const positions = turns(2, 4).reduce((sum, turn, index) => sum + (turn === 0 ? index : -index), 0);
    expect(positions).toBe(0);
  });

  it('end with the code of the worst, in the order in which a run is judged', () => {
    expect(worstExitCode(['pass', 'pass'], 130)).toBe(0);
    expect(worstExitCode(['pass', 'inconclusive', 'pass'], 130)).toBe(5);
    expect(worstExitCode(['pass', 'fail', 'inconclusive'], 130)).toBe(3);
    expect(worstExitCode(['fail', 'invalid'], 130)).toBe(5);
    expect(worstExitCode(['pass', 'interrupted'], 143)).toBe(143);
    expect(worstExitCode([], 130)).toBe(130);
  });
});

describe('runs on a cluster of others', () => {
  it('are said to share it, at the start and on the pages', () => {
    const flags = { kubeconfig: 'kubeconfig' } as Parameters<typeof sharedWarnings>[0]['flags'];
    expect(sharedWarnings({ flags })).toEqual([expect.stringContaining('all runs are on one cluster')]);
    expect(sharedWarnings({ flags: { ...flags, kubeconfig: undefined } })).toEqual([]);
    const given = runs([500, 510, 505, 515], 2);
    const pages = (): string[] => [
      renderNoiseMarkdown(noiseOf(given, { id: 'id', planned: 2 })),
      renderRepeatsMarkdown(summariseRepeats(given, { id: 'id', planned: 2, variants: [] })),
    ];
    for (const page of pages()) expect(page).not.toContain('on one cluster');
    for (const { result } of given) result.cluster.source = 'kubeconfig';
    for (const page of pages()) expect(page).toContain('All runs were on one cluster');
  });
});

describe('what is kept of a run', () => {
  it('is small, and all that a set is made of', () => {
    const given = runs([500, 600, 550]);
    for (const { result } of given) {
      result.timeline = sampleResult().timeline;
      for (const sli of result.slis) sli.windows = { good: 1, bad: 0, undecided: 0, points: [] };
    }
    const kept = given.map((run) => ({ ...run, result: keptOf(run.result) }));
    const of = (finished: readonly FinishedRun[]): unknown =>
      summariseRepeats(finished, { id: 'id', planned: 3, variants: [{ name: 'A', sets: [] }] });
    expect(of(kept)).toEqual(of(given));
    for (const { result } of kept) {
      expect([result.timeline, result.slowestPods]).toEqual([[], []]);
      expect(result.slis.map(({ histogram, windows }) => [histogram, windows])).toEqual([
        ['', undefined],
        ['', undefined],
      ]);
    }
    // What was measured is not changed: it is written down.
    expect(given[0]?.result.slis[0]?.histogram).not.toBe('');
  });
});

describe('the table of repeats', () => {
  const set = { id: 'id', planned: 3 };
  const one = { ...set, variants: [{ name: 'A', sets: [] }] };
  const two = { ...set, variants: [...one.variants, { name: 'B', sets: ['nodes.count=9'] }] };

  it('has a median and its interval for what is judged', () => {
    const lines = renderRepeats(summariseRepeats(runs([500, 600, 550]), one), wide);
    expect(lines).toContainEqual(
      expect.stringMatching(/^p99 pod-startup-precise: kind=latency +550 ms \(4\d\d ms–6\d\d ms\)$/),
    );
    expect(lines.join('\n')).not.toContain('pod-startup-phase');
    expect(lines).toContain('3 of 3 runs count.');
    expect(lines).toContain('3 more rows are in the table');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it('has both variants and their ratio', () => {
    const repeats = summariseRepeats(runs([500, 1000, 505, 1010, 495, 990], 2), two);
    const text = renderRepeats(repeats, { color: true, columns: 60 }).join('\n');
    expect(text).toMatch(/500 ms \(\d+ ms–\d+ ms\) +1 s \(\d+ ms–1\.\d+ s\) +×2\.0/);
    expect(text).toContain('B: nodes.count=9');
    const page = renderRepeatsMarkdown(repeats);
    expect(page).toMatch(/^# Repeats of /);
    expect(page).toContain(
      '| SLI | A, median | interval | runs | B, median | interval | runs | B to A | interval | p |',
    );
    expect(page).toMatch(/\| p50 pod-startup-phase: sent \|/);
    expect(page).toContain('[run-2](run-2/report.html) | B | pass |');
    expect(page).toContain('| pod-startup-precise: kind=latency | p99.9 | 150 |');
  });

  it('says of runs that differ by less than can be told from where on it can', () => {
    const repeats = summariseRepeats(runs([1500, 1500, 1500], 1, 'pass', 'pod-startup'), one);
    const lines = renderRepeats(repeats, wide);
    expect(lines).toContainEqual(
      expect.stringMatching(/^p99 pod-startup: kind=latency +1\.5 s \(\d+ ms–\d\.\d+ s\)\*$/),
    );
    expect(lines).toContain('* the runs differ by less than can be told: the interval is that of what can');
    expect(renderRepeatsMarkdown(repeats)).toMatch(/\| p99 pod-startup: .* s, cannot be told below 1 s \|/);
    expect(renderRepeats(summariseRepeats(runs([500, 600, 550]), one), wide).join()).not.toContain('*');
  });

  it('says what does not count', () => {
    const given = [...runs([500, 510]), ...runs([900], 1, 'invalid')];
    expect(renderRepeats(summariseRepeats(given, { ...one, planned: 4 }), wide)).toContain(
      '2 of 3 runs count; 4 were planned; left out run-1: invalid.',
    );
    const invalid = renderRepeats(summariseRepeats(runs([500, 510, 520], 1, 'invalid'), one), wide).join(
      '\n',
    );
    expect(invalid).toContain('Not one run was valid');
    const none = renderRepeats(summariseRepeats(runs([500], 1, 'interrupted'), one), wide).join('\n');
    expect(none).toContain('no SLI that has an SLO has enough samples');
    expect(none).toContain('0 of 1 runs count; 3 were planned; left out run-1: interrupted.');
  });
});

describe('the table of noise', () => {
  it('says what is seen with so many runs', () => {
    const noise = noiseOf(runs([500, 520, 510, 490, 505, 515, 500, 495], 2), { id: 'id', planned: 4 });
    const lines = renderNoise(noise, wide);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^p99 pod-startup-precise: kind=latency +50\d ms +n = 3: \d+(?:\.\d)? % +n = 5: \d+(?:\.\d)? % +n = 10: \d+(?:\.\d)? %$/,
      ),
    );
    expect(lines.join('\n')).toContain('95 % confidence, 80 % power. 8 of 8 runs count.');
    expect(lines.at(-1)).toMatch(
      /^\d of 6 rows differ between the two sides at 95 % confidence, where about 0 /,
    );
    const page = renderNoiseMarkdown(noise);
    expect(page).toContain('| n = 3 | n = 5 | n = 10 | n = 20 |');
    expect(page).toContain('[run-2](run-2/report.html) | A again | pass |');
  });

  it('says nothing of changes that are smaller than can be told', () => {
    const noise = noiseOf(runs([1500, 1501, 1500, 1501], 2, 'pass', 'pod-startup'), { id: 'id', planned: 2 });
    expect(renderNoise(noise, wide)).toContainEqual(
      expect.stringMatching(/^p99 pod-startup: kind=latency +1\.5 s +cannot be told below 1 s$/),
    );
    expect(renderNoiseMarkdown(noise)).toMatch(/\| p99 pod-startup: .* \| cannot be told below 1 s \|/);
  });

  it('has shares as people say them', () => {
    expect([0.281, 0.0213, 0.001, 1.5].map(percentOf)).toEqual(['28 %', '2.1 %', '0.1 %', '150 %']);
    expect([1.12, 0.969, 3.44].map(changeText)).toEqual(['+12 %', '−3.1 %', '×3.4']);
  });
});
