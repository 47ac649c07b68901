import { array, assert, constantFrom, dictionary, double, oneof, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exposition } from '../../../src/report/openmetrics/exposition.ts';
import { renderOpenmetrics } from '../../../src/report/openmetrics/render-openmetrics.ts';
import type { RunResult } from '../../../src/result/result.ts';
import { readClassic } from './classic-reader.ts';
import { readOpenmetrics, type ReadFamily } from './openmetrics-reader.ts';
import { hostileName, sampleResult } from './sample-result.ts';

function families(result: RunResult): Map<string, ReadFamily> {
  return readOpenmetrics(renderOpenmetrics(result));
}

/** Values of a family by one of its labels. */
function by(label: string, family: ReadFamily | undefined): Record<string, number> {
  return Object.fromEntries((family?.samples ?? []).map(({ labels, value }) => [labels[label] ?? '', value]));
}

describe('renderOpenmetrics', () => {
  it('has a summary in seconds for each SLI, with the quantiles of the result and its definition', () => {
    const result = sampleResult();
    const precise = result.slis.find((sli) => sli.id === 'pod-startup-precise');
    const family = families(result).get('hollowmark_sli_pod_startup_precise_seconds');
    expect(family).toMatchObject({ type: 'summary', unit: 'seconds', help: precise?.definition });
    const quantiles = family?.samples.filter(({ labels }) => 'quantile' in labels) ?? [];
    expect(quantiles.map(({ labels, value }) => [labels['quantile'], Math.round(value * 1e6)])).toEqual([
      ['0.5', precise?.p50],
      ['0.9', precise?.p90],
      ['0.99', precise?.p99],
      // HDR's precision may put it above the largest sample.
      ['0.999', Math.min(precise?.p999 ?? 0, precise?.max ?? 0)],
      ['1.0', precise?.max],
    ]);
    const [sum, count] = family?.samples.slice(-2) ?? [];
    expect(count).toMatchObject({ name: 'hollowmark_sli_pod_startup_precise_seconds_count', value: 1000 });
    expect(sum?.value).toBeGreaterThan((1000 * (precise?.p50 ?? 0)) / 2e6);
    expect(sum?.value).toBeLessThan((1000 * (precise?.p99 ?? 0)) / 1e6);
  });

  it('says no quantile of what was not measured', () => {
    const family = families(sampleResult()).get('hollowmark_sli_api_call_seconds');
    const things = family?.samples.filter(({ labels }) => labels['resource'] === 'customthings.example.com');
    expect(things?.map(({ name, value }) => [name.replace(/.*_/, ''), value])).toEqual([
      ['sum', 0],
      ['count', 0],
    ]);
  });

  it('has run, verdict, objectives, figures, attempts and processes', () => {
    const all = families(sampleResult({ verdict: 'fail' }));
    expect(all.get('hollowmark_run_info')).toMatchObject({
      type: 'gauge',
      samples: [{ labels: { scenario: 'quickstart', kubernetes_version: 'v1.36.3' }, value: 1 }],
    });
    expect(by('verdict', all.get('hollowmark_verdict'))).toEqual({
      pass: 0,
      fail: 1,
      invalid: 0,
      inconclusive: 0,
      interrupted: 0,
    });
    expect(by('sli', all.get('hollowmark_slo_met'))).toMatchObject({ 'pod-startup': 0, 'api-call': 1 });
    expect(by('sli', all.get('hollowmark_slo_threshold_seconds'))).toMatchObject({ 'pod-startup': 5 });
    expect(all.get('hollowmark_figure_etcd_database_size_bytes')).toMatchObject({
      type: 'gauge',
      unit: 'bytes',
      samples: [{ value: 48_234_496 }],
    });
    expect(by('code', all.get('hollowmark_api_attempts'))).toEqual({
      '200': 3000,
      '201': 1000,
      '409': 7,
      '429': 3,
      none: 1,
    });
    expect(by('process', all.get('hollowmark_process_cpu_seconds'))).toMatchObject({ fleet: 24.3 });
    expect(by('check', all.get('hollowmark_validity_check_passed'))).toMatchObject({ 'harness-cpu': 1 });
    expect(by('state', all.get('hollowmark_pods'))).toMatchObject({ created: 1000, failed: 0 });
    expect(by('verdict', all.get('hollowmark_windows'))).toEqual({ good: 5, bad: 2, undecided: 1 });
  });

  it('says nothing of windows where a result of an older version has none', () => {
    const windows = { lengthMs: 0, stepMs: 0, good: 0, bad: 0, undecided: 0 };
    expect(families({ ...sampleResult(), windows }).has('hollowmark_windows')).toBe(false);
  });

  it('is taken by readers of the classic format too', () => {
    const result = sampleResult({ hostileName: `${hostileName}\n# EOF\n` });
    for (const sli of result.slis) sli.definition = 'said "so", with a \\ and\na line';
    const samples = readClassic(renderOpenmetrics(result));
    expect(samples.get('hollowmark_run_info')).toBe(1);
    expect(samples.get('hollowmark_verdict')).toBe(5);
    expect(samples.get('hollowmark_sli_pod_startup_precise_seconds')).toBe(7);
    // What it refuses: the reader is strict.
    for (const [text, why] of [
      ['# TYPE a info\na 1\n', 'unknown metric type'],
      ['# HELP a \\"b\\"\na 1\n', 'invalid escape sequence'],
      ['a 1\n# TYPE a gauge\n', 'TYPE after samples'],
      ['a 1\na 2\n', 'a sample twice'],
    ] as const) {
      expect(() => readClassic(text)).toThrow(why);
    }
  });

  it('stays valid whatever names, ids and labels are', () => {
    const result = sampleResult({ verdict: 'invalid', hostileName: `${hostileName}\n# EOF\n` });
    const [first] = result.slis;
    if (first === undefined) throw new Error('the sample has SLIs');
    const labels = {
      quantile: 'x',
      le: '1',
      __name__: 'y',
      'a-b': '1',
      'a.b': '2',
      '9': '3',
      nth: '4',
      '': '5',
    };
    result.slis.push(
      { ...first, labels },
      { ...first, labels },
      { ...first, id: 'pod_startup' },
      { ...first, id: '../ü', unit: 'count', definition: hostileName },
    );
    const all = families(result);
    const hostile = all.get('hollowmark_run_info')?.samples[0]?.labels['scenario'] ?? '';
    expect(hostile).toContain('</script><img src=x onerror="document.title=\'owned\'">');
    expect(hostile).toContain('\n# EOF\n');
    expect(all.get('hollowmark_sli_pod_startup_seconds')?.samples.length).toBeGreaterThan(21);
  });
});

describe('exposition', () => {
  it('can be read back, whatever it is given', () => {
    const text = oneof(string({ unit: 'binary' }), constantFrom('\\', '"', '\n', '\\n', '\uD800', ','));
    const samples = array(
      record({
        suffix: constantFrom(''),
        labels: dictionary(text, text),
        value: double({ noNaN: true, noDefaultInfinity: true }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    assert(
      property(samples, text, (given, help) => {
        const read = readOpenmetrics(exposition([{ name: 'm', type: 'gauge', help, samples: given }])).get(
          'm',
        );
        expect(read?.samples.map(({ value }) => value)).toEqual(given.map(({ value }) => value + 0));
      }),
    );
  });

  it('leaves out what has no samples', () => {
    expect(exposition([{ name: 'm', type: 'gauge', help: 'x', samples: [] }])).toBe('# EOF\n');
  });
});
