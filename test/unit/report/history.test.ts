import { describe, expect, it } from 'vitest';
import { renderHistory } from '../../../src/report/history/render-history.ts';
import type { JudgedGate } from '../../../src/report/judged-gate.ts';
import type { RunResult, RunVerdict } from '../../../src/result/result.ts';
import { hostileName, sampleResult } from './sample-result.ts';

const build = { job: 'nightly-scale', number: '1742' };

function files(result: RunResult, gate?: JudgedGate): Record<string, string> {
  const artefacts = [{ name: 'junit_hollowmark.xml', content: '<x/>' }];
  return Object.fromEntries(
    renderHistory(result, build, artefacts, gate).map(({ name, content }) => [name, String(content)]),
  );
}

const parsed = (text: string | undefined): unknown => JSON.parse(text ?? '');

describe('renderHistory', () => {
  it('has start, end, log and artefacts', () => {
    const all = files(sampleResult());
    expect(Object.keys(all)).toEqual([
      'started.json',
      'finished.json',
      'build-log.txt',
      'artifacts/junit_hollowmark.xml',
    ]);
    expect(parsed(all['started.json'])).toEqual({
      timestamp: 1_772_600_767,
      metadata: { job: 'nightly-scale', build: '1742', platform: 'linux/x64' },
    });
    expect(parsed(all['finished.json'])).toEqual({
      timestamp: 1_772_600_829,
      passed: true,
      result: 'SUCCESS',
      metadata: {
        job: 'nightly-scale',
        build: '1742',
        platform: 'linux/x64',
        'job-version': 'v1.36.3',
        run: '2026-03-04-quickstart-7f3a',
        scenario: 'quickstart',
        verdict: 'pass',
        summary: expect.stringContaining('All SLOs were met') as string,
        'tool-version': '0.1.0',
      },
    });
  });

  it.each([
    ['pass', true, 'SUCCESS'],
    ['fail', false, 'FAILURE'],
    ['invalid', false, 'ERROR'],
    ['inconclusive', false, 'ERROR'],
    ['interrupted', false, 'ABORTED'],
  ] satisfies [RunVerdict, boolean, string][])(
    'says of %s: passed %s, result %s',
    (verdict, passed, result) => {
      expect(parsed(files(sampleResult({ verdict }))['finished.json'])).toMatchObject({ passed, result });
    },
  );

  it.each([
    ['pass', 'worse', false, 'FAILURE'],
    ['pass', 'inconclusive', true, 'SUCCESS'],
    ['fail', 'better', false, 'FAILURE'],
    ['invalid', 'worse', false, 'FAILURE'],
    ['invalid', 'same', false, 'ERROR'],
    ['interrupted', 'worse', false, 'ABORTED'],
  ] satisfies [RunVerdict, JudgedGate['verdict'], boolean, string][])(
    'says of %s that a gate found %s: passed %s, result %s',
    (verdict, found, passed, result) => {
      const gate: JudgedGate = {
        verdict: found,
        summary: 'in short',
        cases: [],
        remarks: [],
        document: '{}',
      };
      const all = files(sampleResult({ verdict }), gate);
      expect(parsed(all['finished.json'])).toMatchObject({
        passed,
        result,
        metadata: { verdict, gate: found },
      });
      expect(all['build-log.txt']).toContain(`\ngate: ${found}: in short\n`);
    },
  );

  it('has a log in the order of time, with the verdict at the end', () => {
    const log = files(sampleResult({ verdict: 'fail' }))['build-log.txt'] ?? '';
    const times = log.match(/^2026-03-04T\S+Z(?= )/gm) ?? [];
    expect(times).toEqual(times.toSorted());
    expect(times).toHaveLength(2 + 2 * 4 + 1);
    expect(log).toContain('\n2026-03-04T05:06:38.250Z error: load/create: POST pods in density-1: 429');
    expect(log).toContain('\n2026-03-04T05:06:17.000Z phase create (create) begins\n');
    expect(log).toContain(
      '\n2026-03-04T05:07:09.400Z run ends after 1 min 2 s\n\nFAIL  Pod startup missed its SLO',
    );
    expect(log).toContain('time   2026-03-04 05:06:07 UTC');
  });

  it('has phases and failures at their times of day, whatever time the cluster took to come up', () => {
    const result = sampleResult({ verdict: 'fail' });
    result.run.measuringStartedAt = '2026-03-04T05:06:11.500Z';
    const log = files(result)['build-log.txt'] ?? '';
    expect(log).toMatch(/^2026-03-04T05:06:07\.000Z run /);
    expect(log).toContain('\n2026-03-04T05:06:21.500Z phase create (create) begins\n');
    expect(log).toContain('\n2026-03-04T05:06:42.750Z error: load/create: POST pods in density-1: 429');
  });

  it('is one line for each event, whatever the names are', () => {
    const all = files(sampleResult({ hostileName: `${hostileName}\n2026-03-04T05:06:07.000Z run owned` }));
    const log = all['build-log.txt'] ?? '';
    expect(log).not.toMatch(/^\S+ run owned/m);
    expect(log).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(parsed(all['finished.json'])).toMatchObject({ metadata: { job: 'nightly-scale' } });
  });

  it('has a dash for a time that no calendar has', () => {
    const result = sampleResult();
    result.failures = [{ atMs: 1e300, where: 'x', message: 'y' }];
    expect(files(result)['build-log.txt']).toContain('\n– error: x: y\n');
  });
});
