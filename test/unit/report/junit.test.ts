import { DOMParser, type Document, type Element } from '@xmldom/xmldom';
import { describe, expect, it } from 'vitest';
import type { RuleCase } from '../../../src/report/judged-gate.ts';
import { renderJunit } from '../../../src/report/junit/render-junit.ts';
import type { RunResult, RunVerdict } from '../../../src/result/result.ts';
import { hostileName, hostileNameShown, sampleResult } from './sample-result.ts';

/** Refuses whatever is not well-formed; warnings count too. */
function parsed(result: RunResult, rules: readonly RuleCase[] = []): Document {
  const stop = (level: string, message: string): void => {
    // U+FFFD is what stands for characters that XML has no place for; the parser only remarks on it.
    if (message.includes('replacement character')) return;
    throw new Error(`${level}: ${message}`);
  };
  return new DOMParser({ onError: stop }).parseFromString(renderJunit(result, rules), 'text/xml');
}

function all(document: Document, tag: string): Element[] {
  return [...document.getElementsByTagName(tag)];
}

describe('renderJunit', () => {
  it('has a case for the run, each SLO, check and phase, and counts them', () => {
    const result = sampleResult({ verdict: 'fail' });
    const document = parsed(result);
    const judged = result.slis.filter((sli) => sli.slo !== undefined).length;
    const cases = all(document, 'testcase');
    expect(cases).toHaveLength(1 + judged + result.validity.checks.length + result.run.phases.length);
    const root = document.documentElement;
    expect(root?.getAttribute('tests')).toBe(String(cases.length));
    expect(root?.getAttribute('failures')).toBe(String(all(document, 'failure').length));
    expect(root?.getAttribute('errors')).toBe(String(all(document, 'error').length));
    expect(root?.getAttribute('skipped')).toBe(String(all(document, 'skipped').length));
    for (const suite of all(document, 'testsuite')) {
      expect(suite.getAttribute('tests')).toBe(String(suite.getElementsByTagName('testcase').length));
    }
  });

  it('says of a missed SLO what was found and what was allowed', () => {
    const failure = all(parsed(sampleResult({ verdict: 'fail' })), 'failure')[1];
    expect(failure?.getAttribute('message')).toMatch(
      /^p99 is 1\d\.\d s over 1,000 samples; the threshold is 5 s$/,
    );
  });

  it.each([
    ['pass', undefined],
    ['fail', 'failure'],
    ['invalid', 'error'],
    ['interrupted', 'error'],
    ['inconclusive', 'skipped'],
  ] satisfies [RunVerdict, string | undefined][])('marks the run itself: %s', (verdict, tag) => {
    const result = sampleResult({ verdict });
    const [run] = all(parsed(result), 'testcase');
    const marks = ['failure', 'error', 'skipped'].filter(
      (each) => (run?.getElementsByTagName(each).length ?? 0) > 0,
    );
    expect(marks).toEqual(tag === undefined ? [] : [tag]);
    const message =
      tag === undefined ? result.summary : run?.getElementsByTagName(tag)[0]?.getAttribute('message');
    expect(message).toBe(result.summary);
  });

  it('marks a failed check as an error and a phase that was stopped too', () => {
    expect(
      all(parsed(sampleResult({ verdict: 'invalid' })), 'error').map((each) => each.getAttribute('type')),
    ).toEqual(['invalid', 'validity']);
    expect(
      all(parsed(sampleResult({ verdict: 'interrupted' })), 'error').map((each) => each.getAttribute('type')),
    ).toEqual(['interrupted', 'interrupted']);
  });

  it('is well-formed whatever the names are', () => {
    const result = sampleResult({ verdict: 'fail', hostileName: `${hostileName}\r\n\t]]>` });
    const document = parsed(result);
    // What XML 1.0 forbids even as a reference; parsers differ in whether they notice.
    expect(renderJunit(result)).not.toMatch(/(?![\t\n\r])\p{Cc}|\p{Cs}|[\uFFFE\uFFFF]/u);
    expect(all(document, 'img')).toEqual([]);
    const names = all(document, 'testcase').map((each) => each.getAttribute('classname'));
    expect(names[0]).toBe(`${hostileNameShown}\r\n\t]]>`);
  });

  it.each([
    ['bad ones', 9, 3, 'pass', 'failure', '9 of 12 minutes good (75 %), 2 undecided'],
    ['bad ones of an invalid run', 9, 3, 'invalid', 'error', '9 of 12 minutes good (75 %), 2 undecided'],
    ['none to judge', 0, 0, 'inconclusive', 'skipped', 'no window had enough samples to be judged'],
    ['good ones', 12, 0, 'pass', undefined, undefined],
  ] as const)(
    'has a case for the good windows that are asked for: %s',
    (_, good, bad, verdict, tag, message) => {
      const result = sampleResult({ verdict });
      result.windows = { lengthMs: 300_000, stepMs: 60_000, good, bad, undecided: 2 };
      const find = (): Element | undefined =>
        all(parsed(result), 'testcase').find((each) => each.getAttribute('name')?.startsWith('good windows'));
      expect(find()).toBeUndefined();
      result.run.parameters = { windows: { goodMinutesMin: 0.9 } };
      expect(find()?.getAttribute('name')).toBe('good windows >= 90 %');
      const marks = ['failure', 'error', 'skipped'].flatMap((each) => [
        ...(find()?.getElementsByTagName(each) ?? []),
      ]);
      expect(marks.map((mark) => [mark.tagName, mark.getAttribute('message')])).toEqual(
        tag === undefined ? [] : [[tag, message]],
      );
    },
  );

  it('has a case for each rule of a gate', () => {
    const verdicts = ['better', 'same', 'worse', 'inconclusive'] as const;
    const rules = verdicts.map((verdict) => ({
      name: `p99 of ${hostileName} ${verdict}`,
      verdict,
      message: `+3 % (-1 % to +7 %) ${hostileName}`,
      figures: null,
    }));
    const document = parsed(sampleResult(), rules);
    const cases = all(document, 'testcase').filter(
      (each) => each.getAttribute('classname') === 'quickstart.gate',
    );
    expect(
      cases.map((each) => [
        each.getAttribute('name')?.split(' ').at(-1),
        ...['failure', 'error', 'skipped'].filter((tag) => each.getElementsByTagName(tag).length > 0),
      ]),
    ).toEqual([['better'], ['same'], ['worse', 'failure'], ['inconclusive', 'skipped']]);
    expect(cases[2]?.getElementsByTagName('failure')[0]?.getAttribute('message')).toBe(
      `+3 % (-1 % to +7 %) ${hostileNameShown}`,
    );
    expect(document.documentElement?.getAttribute('failures')).toBe('1');
  });

  it('is a whole document when nothing was measured', () => {
    const document = parsed({
      ...sampleResult(),
      slis: [],
      validity: { verdict: 'valid', checks: [] },
      run: { ...sampleResult().run, phases: [] },
    });
    expect(all(document, 'testcase')).toHaveLength(1);
  });
});
