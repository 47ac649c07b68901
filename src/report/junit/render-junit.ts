import type { PhaseRecord, RunResult, ValidityCheck } from '../../result/result.ts';
import { formatCount, formatValue } from '../charts/format.js';
import type { RuleCase } from '../judged-gate.ts';
import { withoutControls } from '../plain-text.ts';
import {
  doubtText,
  goodMinutesMin,
  judgedSlis,
  type JudgedSli,
  quantileName,
  runDurationMs,
  sliName,
  sourceText,
  valueAt,
  valueText,
  windowsText,
} from '../view.ts';

/** `failure`: the thing under test missed; `error`: the test itself went wrong; `skipped`: it says nothing. */
type Outcome = { kind: 'failure' | 'error' | 'skipped'; type: string; message: string };

type TestCase = { className: string; name: string; timeS: number; outcome?: Outcome; text?: string };

type TestSuite = { name: string; cases: TestCase[] };

/**
 * The result as JUnit XML, as CI systems read it: a test case for the run, for each SLO, validity check and phase, for
 * the good windows where a scenario asks for some, and for each rule of a gate. A missed SLO and a rule that finds the run worse are failures; an invalid or interrupted run
 * is an error; too few samples and checks that could not be made are skipped.
 */
export function renderJunit(result: RunResult, rules: readonly RuleCase[] = []): string {
  const scenario = result.run.scenario;
  const suites: TestSuite[] = [
    { name: `${scenario}: run`, cases: [runCase(result)] },
    {
      name: `${scenario}: SLOs`,
      cases: [...judgedSlis(result).map((sli) => sloCase(sli, scenario, result)), ...windowCases(result)],
    },
    {
      name: `${scenario}: validity`,
      cases: result.validity.checks.map((check) => checkCase(check, scenario)),
    },
    { name: `${scenario}: phases`, cases: result.run.phases.map((phase) => phaseCase(phase, scenario)) },
    { name: `${scenario}: gate`, cases: rules.map((rule) => ruleCase(rule, scenario)) },
  ];
  const shown = suites.filter((suite) => suite.cases.length > 0);
  const totals = attributes({
    name: `${result.tool.name}: ${scenario}`,
    ...counts(shown.flatMap((suite) => suite.cases)),
    time: seconds(runDurationMs(result)),
  });
  const body = shown.map((suite) => suiteXml(suite, result)).join('\n');
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${totals}>\n${body}\n</testsuites>\n`;
}

function runCase(result: RunResult): TestCase {
  const { verdict, summary } = result;
  const kinds: Record<RunResult['verdict'], Outcome['kind'] | undefined> = {
    pass: undefined,
    fail: 'failure',
    invalid: 'error',
    interrupted: 'error',
    inconclusive: 'skipped',
  };
  const kind = kinds[verdict];
  const test: TestCase = {
    className: result.run.scenario,
    name: 'verdict',
    timeS: runDurationMs(result) / 1000,
  };
  const lines = [...result.failures.map((each) => `${each.where}: ${each.message}`), ...result.notes];
  if (lines.length > 0) test.text = lines.join('\n');
  return kind === undefined ? test : { ...test, outcome: { kind, type: verdict, message: summary } };
}

function sloCase(sli: JudgedSli, scenario: string, result: RunResult): TestCase {
  const { slo } = sli;
  const value = valueAt(sli, slo.quantile);
  const name = `${sliName(sli)} ${quantileName(slo.quantile)} <= ${formatValue(slo.threshold, sli.unit)}`;
  const test: TestCase = { className: `${scenario}.slo`, name, timeS: sli.unit === 'us' ? value / 1e6 : 0 };
  const found = `${quantileName(slo.quantile)} is ${valueText(sli, value)} over ${formatCount(sli.count)} samples; the threshold is ${formatValue(slo.threshold, sli.unit)}`;
  if (slo.verdict === 'fail') {
    // An SLO that an invalid run missed was not missed by the cluster.
    const kind = result.verdict === 'invalid' ? 'error' : 'failure';
    return {
      ...test,
      outcome: { kind, type: 'slo', message: found },
      text: `${sli.definition} Source: ${sourceText(sli)}.`,
    };
  }
  if (slo.verdict === 'inconclusive') {
    return {
      ...test,
      outcome: {
        kind: 'skipped',
        type: 'inconclusive',
        message: doubtText(sli),
      },
    };
  }
  return { ...test, text: found };
}

/** Windows are judged where the scenario asks for good ones. */
function windowCases(result: RunResult): TestCase[] {
  const asked = goodMinutesMin(result);
  if (asked === undefined) return [];
  const { good, bad } = result.windows;
  const name = `good windows >= ${formatValue(asked, 'ratio')}`;
  const test: TestCase = { className: `${result.run.scenario}.slo`, name, timeS: 0 };
  const text = windowsText(result) ?? 'the run has no windows';
  if (good + bad === 0) {
    const message = 'no window had enough samples to be judged';
    return [{ ...test, outcome: { kind: 'skipped', type: 'inconclusive', message } }];
  }
  if (good / (good + bad) >= asked) return [{ ...test, text }];
  const kind = result.verdict === 'invalid' ? 'error' : 'failure';
  return [{ ...test, outcome: { kind, type: 'slo', message: text } }];
}

function checkCase(check: ValidityCheck, scenario: string): TestCase {
  const test: TestCase = { className: `${scenario}.validity`, name: check.id, timeS: 0 };
  if (check.verdict === 'pass') return { ...test, text: check.message };
  const kind = check.verdict === 'fail' ? 'error' : 'skipped';
  const value =
    check.verdict === 'fail'
      ? ` (${formatValue(check.value, check.unit)}, limit ${formatValue(check.limit, check.unit)})`
      : '';
  return { ...test, outcome: { kind, type: 'validity', message: `${check.message}${value}` } };
}

function phaseCase(phase: PhaseRecord, scenario: string): TestCase {
  const test: TestCase = {
    className: `${scenario}.phase`,
    name: phase.name,
    timeS: Math.max(0, phase.finishedAtMs - phase.startedAtMs) / 1000,
  };
  if (phase.outcome === 'completed') return test;
  const kind = phase.outcome === 'interrupted' ? 'error' : 'failure';
  return {
    ...test,
    outcome: { kind, type: phase.outcome, message: phase.message ?? `phase ${phase.outcome}` },
  };
}

function ruleCase({ name, verdict, message }: RuleCase, scenario: string): TestCase {
  const test: TestCase = { className: `${scenario}.gate`, name, timeS: 0 };
  if (verdict === 'worse') return { ...test, outcome: { kind: 'failure', type: 'regression', message } };
  if (verdict === 'inconclusive') return { ...test, outcome: { kind: 'skipped', type: verdict, message } };
  return { ...test, text: message };
}

function suiteXml(suite: TestSuite, result: RunResult): string {
  const own = attributes({
    name: suite.name,
    ...counts(suite.cases),
    time: seconds(suite.cases.reduce((sum, test) => sum + test.timeS * 1000, 0)),
    timestamp: result.run.startedAt.replace(/(\.\d+)?Z$/, ''),
  });
  return `  <testsuite${own}>\n${suite.cases.map(caseXml).join('\n')}\n  </testsuite>`;
}

function caseXml(test: TestCase): string {
  const own = attributes({ classname: test.className, name: test.name, time: seconds(test.timeS * 1000) });
  const lines: string[] = [];
  if (test.outcome !== undefined) {
    const { kind, type, message } = test.outcome;
    lines.push(
      kind === 'skipped'
        ? `      <skipped${attributes({ message })}/>`
        : `      <${kind}${attributes({ type, message })}>${escapeXml(test.text ?? message)}</${kind}>`,
    );
  }
  if (test.text !== undefined) lines.push(`      <system-out>${escapeXml(test.text)}</system-out>`);
  return lines.length === 0
    ? `    <testcase${own}/>`
    : `    <testcase${own}>\n${lines.join('\n')}\n    </testcase>`;
}

function counts(cases: readonly TestCase[]): Record<string, string> {
  const of = (kind: Outcome['kind']): string =>
    String(cases.filter((test) => test.outcome?.kind === kind).length);
  return {
    tests: String(cases.length),
    failures: of('failure'),
    errors: of('error'),
    skipped: of('skipped'),
  };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function attributes(values: Record<string, string>): string {
  return Object.entries(values)
    .map(
      ([name, value]) => ` ${name}="${escapeXml(value).replaceAll('\n', '&#10;').replaceAll('\t', '&#9;')}"`,
    )
    .join('');
}

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#13;',
  '\u2028': '&#8232;',
};

/** Escapes text for XML 1.0. Line ends that some parsers turn into a line feed are
 * written as references. */
function escapeXml(text: string): string {
  return withoutControls(text).replace(/[&<>"'\r\u2028]/g, (character) => entities[character] ?? '');
}
