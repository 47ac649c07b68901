import hdr from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { renderHgrm } from '../../../src/report/hgrm/render-hgrm.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { hostileName, sampleResult } from './sample-result.ts';

function files(result: RunResult): Map<string, string> {
  return new Map(renderHgrm(result).map(({ name, content }) => [name, String(content)]));
}

/** The rows of a `.hgrm`: value, percentile in 0..1, samples up to there. */
function rows(text: string): [value: number, percentile: number, count: number][] {
  const lines = text.split('\n').filter((line) => /^\s+\d/.test(line));
  return lines.map((line) => {
    const [value, percentile, count] = line.trim().split(/\s+/).map(Number);
    return [value ?? Number.NaN, percentile ?? Number.NaN, count ?? Number.NaN];
  });
}

describe('renderHgrm', () => {
  it('has a table for each SLI with samples, in milliseconds', () => {
    const result = sampleResult();
    const precise = result.slis.find((sli) => sli.id === 'pod-startup-precise');
    const all = files(result);
    const withSamples = result.slis.filter((sli) => sli.count > 0);
    expect([...all.keys()].filter((name) => name.endsWith('.hgrm'))).toHaveLength(withSamples.length);
    const text = all.get('pod-startup-precise.hgrm') ?? '';
    expect(text).toMatch(/^ +Value +Percentile TotalCount 1\/\(1-Percentile\)\n\n/);
    expect(text).toMatch(/#\[Mean +=.*StdDeviation.*\]\n#\[Max +=.*Total count +=.*\]\n#\[Buckets =.*\]\n$/);
    const table = rows(text);
    expect(table.at(-1)?.slice(1)).toEqual([1, 1000]);
    const histogram = Histogram.fromBase64(precise?.histogram ?? '');
    for (const [value, percentile] of table.slice(1)) {
      expect(value).toBe(histogram.quantile(percentile) / 1000);
    }
    expect(all.has('api-call-PATCH-pods-status-resource.hgrm')).toBe(true);
  });

  it('has a log that HDR readers read: an interval for each SLI, tagged with the name of its table', () => {
    const result = sampleResult();
    const all = files(result);
    const log = all.get('all.hlog') ?? '';
    const tags = hdr.listTags(log);
    expect(tags.map((tag) => `${tag}.hgrm`)).toEqual([...all.keys()].filter((name) => name !== 'all.hlog'));
    const reader = new hdr.HistogramLogReader(log);
    for (const sli of result.slis.filter(({ count }) => count > 0)) {
      const interval = reader.nextIntervalHistogram();
      expect(interval?.totalCount).toBe(sli.count);
      // Its readers tell the upper end of a bucket, in which the largest may lie lower.
      expect(Math.min(interval?.getValueAtPercentile(99) ?? 0, sli.max)).toBe(sli.p99);
      expect(interval?.startTimeStampMsec).toBe(Date.parse(result.run.startedAt));
      expect(interval?.endTimeStampMsec).toBeCloseTo(Date.parse(result.run.finishedAt), 0);
    }
    expect(reader.nextIntervalHistogram()).toBeNull();
  });

  it('has names without what would end a tag or leave the folder', () => {
    const all = files(sampleResult({ hostileName: `../${hostileName}, x` }));
    for (const name of all.keys()) expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]*\.(hgrm|hlog)$/);
    const intervals = (all.get('all.hlog') ?? '').split('\n').filter((line) => line.startsWith('Tag='));
    for (const line of intervals)
      expect(line).toMatch(/^Tag=[\w.-]+,0\.000,62\.400,\d+\.\d{3},HISTF[\w+/=]+$/);
    expect(intervals).toHaveLength(all.size - 1);
  });

  it('is a log without intervals when nothing was measured', () => {
    const [log, ...others] = renderHgrm({ ...sampleResult(), slis: [] });
    expect(others).toEqual([]);
    expect(new hdr.HistogramLogReader(String(log?.content)).nextIntervalHistogram()).toBeNull();
  });
});
