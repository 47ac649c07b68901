import type { RunResult } from '../../result/result.ts';
import { formatDurationUs } from '../charts/format.js';
import type { JudgedGate } from '../judged-gate.ts';
import { withoutControls } from '../plain-text.ts';
import type { ReportFile } from '../report-file.ts';
import { renderSummary } from '../terminal/summary.ts';
import { runDurationMs } from '../view.ts';

/** Which run of which job: names of folders, as {@link fileWord} makes them. */
export type Build = { job: string; number: string };

/** What dashboards of test histories tell apart; `ERROR`: the run says nothing about what was tested. */
const results: Record<RunResult['verdict'], 'SUCCESS' | 'FAILURE' | 'ERROR' | 'ABORTED'> = {
  pass: 'SUCCESS',
  fail: 'FAILURE',
  invalid: 'ERROR',
  inconclusive: 'ERROR',
  interrupted: 'ABORTED',
};

const logColumns = 120;

/**
 * A build as the jobs of Kubernetes' CI leave it in their bucket, so that what reads those (TestGrid, perfdash's
 * `<job>/<build>/artifacts`) reads these: start, end, log, and the report's files as artefacts.
 *
 * @param artefacts with names below `artifacts/`; JUnit files are found there by `junit_*.xml`.
 * @param gate has the run fail that it has found worse, whatever the run itself says.
 */
export function renderHistory(
  result: RunResult,
  build: Build,
  artefacts: readonly ReportFile[],
  gate?: JudgedGate,
): ReportFile[] {
  const { run, tool, machine, cluster } = result;
  const metadata = {
    job: build.job,
    build: build.number,
    platform: `${machine.os}/${machine.arch}`,
    // The version that a dashboard shows above the column.
    'job-version': cluster.version,
    run: run.id,
    scenario: run.scenario,
    verdict: result.verdict,
    summary: result.summary,
    'tool-version': tool.version,
    ...(gate === undefined ? {} : { gate: gate.verdict }),
  };
  const { job, build: number, platform } = metadata;
  const started = { timestamp: seconds(run.startedAt), metadata: { job, build: number, platform } };
  const isWorse = gate?.verdict === 'worse' && result.verdict !== 'interrupted';
  const finished = {
    timestamp: seconds(run.finishedAt),
    passed: result.verdict === 'pass' && !isWorse,
    result: isWorse ? 'FAILURE' : results[result.verdict],
    metadata,
  };
  return [
    { name: 'started.json', content: json(started) },
    { name: 'finished.json', content: json(finished) },
    { name: 'build-log.txt', content: buildLog(result, gate) },
    ...artefacts.map(({ name, content }) => ({ name: `artifacts/${name}`, content })),
  ];
}

/** Whole seconds since 1970. */
function seconds(at: string): number {
  return Math.floor(Date.parse(at) / 1000);
}

function json(document: unknown): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** What happened when, as far as the result knows it, and then how the run went, as on a terminal. */
function buildLog(result: RunResult, gate: JudgedGate | undefined): string {
  const { run, failures } = result;
  const happened = [
    ...run.phases.flatMap(({ name, type, startedAtMs, finishedAtMs, outcome, message }) => [
      { atMs: startedAtMs, text: `phase ${name} (${type}) begins` },
      { atMs: finishedAtMs, text: `phase ${name} ${outcome}${message === undefined ? '' : `: ${message}`}` },
    ]),
    ...failures.map(({ atMs, where, message }) => ({ atMs, text: `error: ${where}: ${message}` })),
  ];
  const startMs = Date.parse(run.measuringStartedAt ?? run.startedAt);
  const lines = happened
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => `${timeText(startMs + atMs)} ${oneLine(text)}`);
  const summary = renderSummary(result, { color: false, columns: logColumns, timeZone: 'UTC' });
  const ends = [
    `${run.startedAt} run ${oneLine(`${run.id} of ${run.scenario}, seed ${run.seed}`)}`,
    ...lines,
    `${run.finishedAt} run ends after ${formatDurationUs(runDurationMs(result) * 1000)}`,
  ];
  return `${ends.join('\n')}\n\n${summary}\n${gate === undefined ? '' : gateText(gate)}`;
}

/** What the gate says, with the rules that found a change. */
function gateText({ verdict, summary, cases }: JudgedGate): string {
  const changes = cases
    .filter((one) => one.verdict === 'worse' || one.verdict === 'better')
    .map((one) => `${one.verdict}: ${one.name}: ${one.message}`);
  return `\n${[`gate: ${verdict}: ${summary}`, ...changes].map(oneLine).join('\n')}\n`;
}

/** RFC 3339, or a dash where a result says a time that no calendar has. */
function timeText(wallMs: number): string {
  const date = new Date(wallMs);
  return Number.isNaN(date.getTime()) ? '–' : date.toISOString();
}

/** Uncut, unlike a terminal's line. */
function oneLine(text: string): string {
  return withoutControls(text).replaceAll(/[\t\r\n\u2028\u2029]+/g, ' ');
}
