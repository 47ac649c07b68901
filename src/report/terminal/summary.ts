import type { RunResult, Sli } from '../../result/result.ts';
import { formatCount, formatDurationUs, formatNumber, formatValue } from '../charts/format.js';
import { fitted, wrapped } from '../plain-text.ts';
import { localTime } from './local-time.ts';
import {
  doubtText,
  goodMinutesMin,
  judgedSlis,
  type JudgedSli,
  quantileName,
  rateText,
  runDurationMs,
  sliName,
  headlineStartup,
  slisOf,
  usedText,
  valueAt,
  valueText,
  windowsText,
} from '../view.ts';

/** A terminal's usual height, but for the report's path and the prompt: more would scroll the verdict away. */
const linesMax = 22;
const sloLinesMax = 6;
const otherLinesMax = 3;

type Colour = 'green' | 'red' | 'yellow' | 'magenta' | 'dim' | 'bold';

const escapes: Record<Colour, string> = {
  green: '32',
  red: '31',
  yellow: '33',
  magenta: '35',
  dim: '2',
  bold: '1',
};

const colours: Record<string, Colour> = {
  pass: 'green',
  fail: 'red',
  invalid: 'magenta',
  inconclusive: 'yellow',
  interrupted: 'yellow',
};

const signs: Record<string, string> = { pass: '✓', fail: '✕', inconclusive: '?' };

/**
 * The result on one screen: verdict with its sentence, SLOs, pods and nodes, failed checks, failures, notes.
 *
 * @param options `color`: whether ANSI colours are understood; `columns`: the terminal's width, no line is longer;
 * `timeZone`: an IANA name, the machine's unless told otherwise
 * @returns at most 22 lines without a line end after the last
 */
export function renderSummary(
  result: RunResult,
  options: { color: boolean; columns: number; timeZone?: string },
): string {
  const paint = (colour: Colour, text: string): string =>
    options.color ? `\u001b[${escapes[colour]}m${text}\u001b[0m` : text;
  const width = Math.max(20, options.columns);
  const colour = colours[result.verdict] ?? 'yellow';
  const lines = [
    ...wrapped(`${result.verdict.toUpperCase()}  ${result.summary}`, width, 3).map((line) =>
      paint(colour, line),
    ),
    '',
    ...sloLines(result).map(
      ({ verdict, text }) =>
        `${paint(colours[verdict] ?? 'yellow', signs[verdict] ?? ' ')} ${fitted(text, width - 2)}`,
    ),
    '',
    ...factLines(result, options.timeZone).map((line) => fitted(line, width)),
  ];
  const failedChecks = result.validity.checks.filter((check) => check.verdict === 'fail');
  const checks = limited(failedChecks, otherLinesMax, (check) => `! ${check.id}: ${check.message}`);
  const failures = limited(result.failures, otherLinesMax, (each) => `✕ ${each.where}: ${each.message}`);
  const notes = limited(result.notes, otherLinesMax, (note) => `· ${note}`);
  for (const [list, tone] of [
    [checks, 'magenta'],
    [failures, 'red'],
    [notes, 'dim'],
  ] as const) {
    lines.push(...list.map((line) => paint(tone, fitted(line, width))));
  }
  return lines.slice(0, linesMax).join('\n');
}

function sloLines(result: RunResult): { verdict: string; text: string }[] {
  const judged = judgedSlis(result);
  // An API call that nobody made is no news; an SLO of pods that none met is.
  const worth = judged.filter((sli) => sli.slo.verdict !== 'inconclusive' || sli.id !== 'api-call');
  const misses = worth.filter((sli) => sli.slo.verdict === 'fail');
  const others = worth.filter((sli) => sli.slo.verdict !== 'fail');
  const firstOfId = others.filter((sli, index) => others.findIndex((other) => other.id === sli.id) === index);
  const shown = [...misses, ...firstOfId].slice(0, sloLinesMax);
  const lines = shown.map((sli) => ({ verdict: sli.slo.verdict, text: sloText(sli, others) }));
  const hiddenMisses = misses.length - shown.filter((sli) => sli.slo.verdict === 'fail').length;
  if (hiddenMisses > 0)
    lines.push({ verdict: 'fail', text: `and ${formatCount(hiddenMisses)} more SLOs missed` });
  return lines.length > 0 ? lines : [{ verdict: 'inconclusive', text: 'No SLO was judged.' }];
}

function sloText(sli: JudgedSli, others: readonly JudgedSli[]): string {
  const { slo } = sli;
  const same = others.filter((other) => other.id === sli.id && other.slo.verdict === slo.verdict).length - 1;
  const more = slo.verdict === 'fail' || same <= 0 ? '' : `; ${formatCount(same)} more met`;
  const doubt = slo.verdict === 'inconclusive' ? `, ${doubtText(sli)}` : '';
  return `${sliName(sli)}: ${quantileName(slo.quantile)} ${valueText(sli, valueAt(sli, slo.quantile))} of ${formatValue(slo.threshold, sli.unit)} (${usedText(sli)})${doubt}${more}`;
}

function factLines(result: RunResult, timeZone: string | undefined): string[] {
  const { nodes, pods, cluster, run, wire } = result;
  const startup = headlineStartup(result);
  const quantiles =
    startup === undefined || startup.count === 0
      ? ''
      : `  ${startupName(startup)} p50 ${formatDurationUs(startup.p50)}, p90 ${formatDurationUs(startup.p90)}, p99 ${formatDurationUs(startup.p99)}`;
  const lost = nodes.notReadyEvents > 0 ? `, ${formatCount(nodes.notReadyEvents)} NotReady events` : '';
  const failed = pods.failed > 0 ? `, ${formatCount(pods.failed)} failed` : '';
  const [programming] = slisOf(result, 'network-programming');
  return [
    `nodes  ${formatCount(nodes.ready)} of ${formatCount(nodes.requested)} ready${lost}`,
    `pods   ${formatCount(pods.started)} of ${formatCount(pods.created)} started${failed}${quantiles}`,
    ...(programming === undefined ? [] : [programmingLine(programming)]),
    ...sentLines(result),
    ...windowLines(result),
    ...availabilityLines(result),
    ...figureLines(result),
    `time   ${localTime(run.startedAt, timeZone)}, ${formatDurationUs(runDurationMs(result) * 1000)}`,
    `run    ${run.scenario}, Kubernetes ${cluster.version}, flags ${cluster.profile}, seed ${run.seed}`,
    ...(wire.comparable === false ? [`wire   profile ${wire.profile}: not comparable`] : []),
  ];
}

/** What phases with a pace sent of what they were to. */
function sentLines({ run }: RunResult): string[] {
  const sent = run.phases.flatMap(({ name, requests }) =>
    requests === undefined ? [] : [`${name} ${rateText(requests)}`],
  );
  return sent.length === 0 ? [] : [`sent   ${sent.join(', ')}`];
}

function windowLines(result: RunResult): string[] {
  const text = windowsText(result);
  if (text === undefined) return [];
  const asked = goodMinutesMin(result);
  return [`slo    ${text}${asked === undefined ? '' : `; ${formatNumber(asked * 100)} % asked for`}`];
}

/** Nothing of an API server that answered every probe. */
function availabilityLines({ figures }: RunResult): string[] {
  const valueOf = (id: string): number | undefined => figures.find((figure) => figure.id === id)?.value;
  const share = valueOf('api-availability') ?? 1;
  if (share >= 1) return [];
  const longest = formatDurationUs(valueOf('api-unavailable-longest') ?? 0);
  return [`api    ${formatNumber((1 - share) * 100)} % of probes without success, for up to ${longest}`];
}

/** Three of the figures; the report has all. */
function figureLines({ figures }: RunResult): string[] {
  const shown = figures.flatMap(({ id, labels, value, unit }) => {
    if (id === 'scheduling-throughput') return [`${formatValue(value, unit)} pods scheduled`];
    if (id === 'burst-startup') return [`burst ${labels['phase'] ?? ''} ${formatValue(value, unit)}`];
    return id === 'etcd-database-size' && labels['part'] === 'total'
      ? [`etcd ${formatValue(value, unit)}`]
      : [];
  });
  return shown.length === 0 ? [] : [`also   ${shown.join(', ')}`];
}

function programmingLine({ count, p50, p90, p99 }: Sli): string {
  const quantiles = `p50 ${formatDurationUs(p50)}, p90 ${formatDurationUs(p90)}, p99 ${formatDurationUs(p99)}`;
  return `rules  ${formatCount(count)} changes programmed  network programming ${quantiles}`;
}

function limited<T>(items: readonly T[], max: number, show: (item: T) => string): string[] {
  const lines = items.slice(0, max).map(show);
  return items.length > max ? [...lines.slice(0, max - 1), `  and ${items.length - max + 1} more`] : lines;
}

function startupName(startup: Sli): string {
  const { kind } = startup.labels;
  return kind === undefined ? 'startup' : `startup (${kind})`;
}
