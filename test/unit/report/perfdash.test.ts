import { array, assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { renderPerfdash } from '../../../src/report/perfdash/render-perfdash.ts';
import type { RunResult, Sli } from '../../../src/result/result.ts';
import { toSli } from '../../../src/result/summarise.ts';
import { hostileName, sampleResult } from './sample-result.ts';

type Item = { data: Record<string, number>; unit: string; labels: Record<string, string> };
type Document = { version: string; dataItems: Item[] };

const time = '2026-03-04T05:07:09Z';

/** The documents by the name of their summary. */
function summaries(result: RunResult): Record<string, unknown> {
  return Object.fromEntries(
    renderPerfdash(result).map(({ name, content }) => {
      expect(name).toMatch(new RegExp(`^[A-Za-z_]+_[a-z0-9.-]+_${time}\\.json$`, 'i'));
      return [name.replace(/_[^_]+_[^_]+$/, ''), JSON.parse(String(content)) as unknown];
    }),
  );
}

function sli(id: string, labels: Record<string, string>, valuesUs: readonly number[]): Sli {
  const histogram = new Histogram();
  for (const us of valuesUs) histogram.record(us);
  const about = { definition: '', source: '', resolution: '' };
  return toSli(histogram, { id, labels, unit: 'us', ...about });
}

function withSlis(slis: Sli[]): RunResult {
  return { ...sampleResult(), slis };
}

const post = { verb: 'POST', resource: 'pods', subresource: '', scope: 'resource' };

function callItems(slis: Sli[]): Item[] {
  return (summaries(withSlis(slis))['APIResponsiveness'] as Document).dataItems;
}

describe('renderPerfdash', () => {
  it('writes one file for each summary that it has something for', () => {
    expect(renderPerfdash(sampleResult()).map(({ name }) => name)).toEqual([
      `PodStartupLatency_PodStartupLatency_quickstart_${time}.json`,
      `APIResponsiveness_quickstart_${time}.json`,
      `APIResponsivenessPrometheus_simple_quickstart_${time}.json`,
      `ResourceUsageSummary_quickstart_${time}.json`,
    ]);
    expect(renderPerfdash({ ...withSlis([]), timeline: [] })).toEqual([]);
  });

  it('gives the percentiles of the sorted samples, to 0.1 %', () => {
    const samples = array(integer({ min: 1, max: 60_000_000 }), { minLength: 1, maxLength: 300 });
    assert(
      property(samples, (valuesUs) => {
        const [item] = callItems([sli('api-call', post, valuesUs)]);
        const sorted = valuesUs.toSorted((a, b) => a - b);
        for (const percentile of [50, 90, 99]) {
          const us = sorted[Math.ceil((sorted.length * percentile) / 100) - 1] ?? 0;
          const ms = item?.data[`Perc${percentile}`] ?? 0;
          expect(ms).toBeGreaterThanOrEqual(us / 1000);
          expect(ms).toBeLessThanOrEqual((us * 1.001 + 1) / 1000);
        }
      }),
    );
  });

  it('has API calls as clusterloader2 labels them: all of them text, whoever called', () => {
    const slis = [
      sli('api-call', { ...post, source: 'load' }, [1000, 1000]),
      sli('api-call', { ...post, source: 'nodes' }, [3000]),
      sli('api-call', { ...post, resource: 'leases', source: 'nodes' }, [5000]),
      sli('api-call', { ...post, resource: 'never', source: 'nodes' }, []),
    ];
    expect(summaries(withSlis(slis))['APIResponsiveness']).toEqual({
      version: 'v1',
      dataItems: [
        {
          data: { Perc50: expect.closeTo(5, 1), Perc90: expect.closeTo(5, 1), Perc99: expect.closeTo(5, 1) },
          unit: 'ms',
          labels: {
            Verb: 'POST',
            Resource: 'leases',
            Subresource: '',
            Scope: 'resource',
            Count: '1',
            SlowCount: '0',
          },
        },
        {
          data: { Perc50: 1, Perc90: expect.closeTo(3, 1), Perc99: expect.closeTo(3, 1) },
          unit: 'ms',
          labels: {
            Verb: 'POST',
            Resource: 'pods',
            Subresource: '',
            Scope: 'resource',
            Count: '3',
            SlowCount: '0',
          },
        },
      ],
    });
  });

  it('counts as slow what the SLO forbids, and not what touches its threshold', () => {
    const list = { verb: 'LIST', resource: 'pods', subresource: '', scope: 'cluster' };
    const slow = (labels: Record<string, string>, valuesUs: number[]): string | undefined =>
      callItems([sli('api-call', labels, valuesUs)])[0]?.labels['SlowCount'];
    expect(slow(post, [1_000_000, 999_000, 1_002_000, 40_000_000])).toBe('2');
    expect(slow(list, [1_002_000, 30_000_000, 30_100_000])).toBe('1');
    expect(slow({ ...list, scope: 'namespace' }, [6_000_000])).toBe('0');
  });

  it('has pod startup with the parts of the way, and tells groups of pods apart', () => {
    const latency = { kind: 'latency', class: 'stateless' };
    const filling = { kind: 'deployment', class: 'stateless' };
    const stateful = { kind: 'deployment', class: 'stateful' };
    const result = withSlis([
      {
        ...sli('pod-startup', latency, [2_000_000]),
        slo: { quantile: 0.99, threshold: 5e6, verdict: 'pass' },
      },
      sli('pod-startup-precise', latency, [1_500_000]),
      sli('pod-startup-precise', filling, [3_000_000]),
      sli('pod-startup-precise', { kind: 'job', class: 'stateless' }, [4_000_000]),
      sli('pod-startup-precise', stateful, [6_000_000]),
      sli('pod-startup-phase', { phase: 'accepted to scheduled', ...latency }, [20_000]),
      sli('pod-startup-span', { span: 'scheduled to containers started', ...latency }, [1_400_000]),
      sli('pod-startup-span', { span: 'containers started to seen by watcher', ...latency }, [5_000]),
      sli('pod-startup-span', { span: 'scheduled to seen by watcher', ...latency }, [1_405_000]),
      sli('pod-startup-phase', { phase: 'first seen to scheduled', ...filling }, [700_000]),
      sli('pod-startup-phase', { phase: 'first seen to scheduled', ...stateful }, [900_000]),
    ]);
    const p99s = (name: string): [string | undefined, number | undefined][] => {
      const { version, dataItems } = summaries(result)[name] as Document;
      expect(version).toBe('1.0');
      return dataItems.map(({ data, unit, labels }) => {
        expect([unit, ...Object.keys(labels)]).toEqual(['ms', 'Metric']);
        return [labels['Metric'], Math.round((data['Perc99'] ?? 0) / 5) * 5];
      });
    };
    expect(p99s('PodStartupLatency_PodStartupLatency')).toEqual([
      ['create_to_schedule', 20],
      ['schedule_to_run', 1400],
      ['run_to_watch', 5],
      ['schedule_to_watch', 1405],
      ['pod_startup', 1500],
    ]);
    expect(p99s('PodStartupLatency_SaturationPodStartupLatency')).toEqual([
      ['create_to_schedule', 700],
      ['pod_startup', 4000],
    ]);
    expect(p99s('StatefulPodStartupLatency_PodStartupLatency')).toEqual([
      ['create_to_schedule', 900],
      ['pod_startup', 6000],
    ]);
  });

  it('takes phases that do not say whose they are for those of the judged pods, as they once were', () => {
    const result = withSlis([
      sli('pod-startup-precise', { kind: 'latency', class: 'stateless' }, [1_500_000]),
      sli('pod-startup-precise', { kind: 'deployment', class: 'stateless' }, [3_000_000]),
      sli('pod-startup-phase', { phase: 'accepted to scheduled' }, [20_000]),
    ]);
    const metrics = (name: string): (string | undefined)[] =>
      (summaries(result)[name] as Document).dataItems.map(({ labels }) => labels['Metric']);
    expect(metrics('PodStartupLatency_PodStartupLatency')).toEqual(['create_to_schedule', 'pod_startup']);
    expect(metrics('PodStartupLatency_SaturationPodStartupLatency')).toEqual(['pod_startup']);
  });

  it('does not count pods twice where all kinds are judged as one', () => {
    const result = withSlis(
      ['all', 'deployment', 'job'].map((kind) =>
        sli('pod-startup-precise', { kind, class: 'stateless' }, [1_000_000]),
      ),
    );
    expect(Object.keys(summaries(result))).toEqual([
      'PodStartupLatency_PodStartupLatency',
      'ResourceUsageSummary',
    ]);
  });

  it('has CPU in cores and memory in whole bytes, by percentile of the timeline', () => {
    const result = sampleResult();
    const usage = summaries(result)['ResourceUsageSummary'] as Record<
      string,
      { Name: string; Cpu: number; Mem: number }[]
    >;
    expect(Object.keys(usage)).toEqual(['50', '90', '99', '100']);
    expect(usage['99']?.map(({ Name }) => Name)).toEqual([
      'hollowmark/fleet',
      'hollowmark/harness',
      'kube-apiserver/kube-apiserver',
      'etcd/etcd',
      'kube-controller-manager/kube-controller-manager',
      'kube-scheduler/kube-scheduler',
    ]);
    const etcd = Object.values(usage).map((all) => all.find(({ Name }) => Name === 'etcd/etcd'));
    const sorted = result.timeline.map(({ rssBytes }) => rssBytes['etcd']).toSorted((a = 0, b = 0) => a - b);
    // 60 points: ranks 30, 54, 60 and 60.
    expect(etcd.map((each) => each?.Mem)).toEqual([sorted[29], sorted[53], sorted[59], sorted[59]]);
    expect(etcd.every((each) => Number.isInteger(each?.Mem))).toBe(true);
    expect(etcd[3]?.Cpu).toBe(Math.max(...result.timeline.map(({ cpuCores }) => cpuCores['etcd'] ?? 0)));
  });

  it('keeps names whole in labels, and out of paths', () => {
    const result = sampleResult({ hostileName: `../${hostileName}_x` });
    const calls = summaries(result)['APIResponsiveness'] as Document;
    expect(calls.dataItems.map(({ labels }) => labels['Resource'])).toContain(`../${hostileName}_x`);
    for (const { labels } of calls.dataItems) {
      expect(Object.values(labels).every((label) => typeof label === 'string')).toBe(true);
    }
  });
});
