import { toldBelow } from '../result/bucket-bounds.ts';
import type { PhaseRecord, RunResult, RunVerdict, Sli, Validity } from '../result/result.ts';
import { minimumSamples, valueAt } from '../result/summarise.ts';
import type { Threshold } from './slo.ts';
import { unjudgedThresholds } from './unjudged.ts';
import { countOf, countText, durationText, percentText } from './words.ts';

/** What a run is judged by. */
export type VerdictInputs = {
  slis: readonly Sli[];
  /** The scenario's own. */
  thresholds: readonly Threshold[];
  validity: Validity;
  phases: readonly PhaseRecord[];
  /** Somebody stopped the run. */
  interrupted: boolean;
  /** Pods that the run made and whose startup an SLO judges where there are any; not those with volumes of their own. */
  statelessPods: number;
  windows: RunResult['windows'];
  /** The share of windows, 0..1, that must be good; undefined when they are not judged. */
  goodMinutesMin: number | undefined;
};

type Judged = Sli & { slo: NonNullable<Sli['slo']> };

/**
 * The verdict on a run, and a sentence for it. Pure.
 *
 * In this order: `interrupted` (nothing can be said of a part of a run), `invalid` (the harness was the bottleneck: a
 * missed SLO may be its own), `fail` (an SLO was missed or a phase did not complete), `inconclusive` (stateless pods were made
 * and too few of them started to judge the startup; a threshold of the scenario's was held against nothing; or nothing at all
 * could be judged), `pass`. Kinds of API call that were too rare for the official SLOs do not make a run inconclusive: every
 * run has some. Bad windows are told, and make a run fail
 * where the scenario says so only (docs/decisions/windows.md).
 */
export function judgeRun(inputs: VerdictInputs): { verdict: RunVerdict; summary: string } {
  const judged = inputs.slis.filter((sli): sli is Judged => sli.slo !== undefined);
  if (inputs.interrupted) return { verdict: 'interrupted', summary: interruptedSummary(inputs.phases) };
  if (inputs.validity.verdict === 'invalid')
    return { verdict: 'invalid', summary: invalidSummary(inputs.validity) };
  const bad = badWindows(inputs.windows);
  const failure = joinedText(failureSummary(judged, inputs.phases), missedWindows(inputs));
  if (failure !== undefined) return { verdict: 'fail', summary: joinedText(failure, bad) };
  const doubt =
    joinedText(
      doubtSummary(judged, inputs.statelessPods),
      unjudgedThresholds(inputs.thresholds, inputs.slis),
    ) ?? undecidedWindows(inputs);
  if (doubt !== undefined) return { verdict: 'inconclusive', summary: joinedText(doubt, bad) };
  return { verdict: 'pass', summary: joinedText(passSummary(judged), bad) };
}

function joinedText(first: string, second: string | undefined): string;
function joinedText(first: string | undefined, second: string | undefined): string | undefined;
function joinedText(first: string | undefined, second: string | undefined): string | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return `${first} ${second}`;
}

/** How many were bad; undefined when none was. */
function badWindows({ stepMs, good, bad }: RunResult['windows']): string | undefined {
  if (bad === 0) return undefined;
  const noun = stepMs === 60_000 ? 'minute' : 'window';
  return `${countText(bad)} of ${countOf(good + bad, noun)} that could be judged ${bad === 1 ? 'was' : 'were'} bad (${percentText(good / (good + bad))} good).`;
}

function missedWindows({ windows: { good, bad }, goodMinutesMin }: VerdictInputs): string | undefined {
  if (goodMinutesMin === undefined || good + bad === 0 || good / (good + bad) >= goodMinutesMin) {
    return undefined;
  }
  return `Too few windows were good: the scenario asks for ${percentText(goodMinutesMin)}.`;
}

function undecidedWindows({ windows: { good, bad }, goodMinutesMin }: VerdictInputs): string | undefined {
  if (goodMinutesMin === undefined || good + bad > 0) return undefined;
  return 'No window had enough samples to be judged, and the scenario asks for good ones.';
}

function interruptedSummary(phases: readonly PhaseRecord[]): string {
  const last = phases.at(-1);
  if (last === undefined) return 'The run was stopped before its first phase.';
  return `The run was stopped after ${durationText(last.finishedAtMs * 1000)}, in phase ${last.name}.`;
}

function invalidSummary(validity: Validity): string {
  const failed = validity.checks.filter((check) => check.verdict === 'fail');
  const first = failed[0]?.message ?? 'a validity check failed.';
  const more = failed.length > 1 ? ` ${countOf(failed.length - 1, 'further check')} failed.` : '';
  return `The run says nothing about the cluster. ${first}${more}`;
}

function failureSummary(judged: readonly Judged[], phases: readonly PhaseRecord[]): string | undefined {
  const missed = judged.filter((sli) => sli.slo.verdict === 'fail');
  const broken = phases.filter((phase) => phase.outcome === 'timed-out' || phase.outcome === 'failed');
  const parts: string[] = [];
  const [worst] = missed
    .map((sli) => ({ sli, value: valueAt(sli, sli.slo.quantile) }))
    .toSorted((a, b) => b.value / b.sli.slo.threshold - a.value / a.sli.slo.threshold);
  if (worst !== undefined) {
    const { sli, value } = worst;
    parts.push(
      `${nameOf(sli)} missed its SLO: the ${quantileText(sli)} was ${toldText(sli, value)}, the threshold is ${durationText(sli.slo.threshold)}.`,
    );
  }
  if (missed.length > 1) parts.push(`${countOf(missed.length - 1, 'further SLI')} missed theirs.`);
  const [phase] = broken;
  if (phase !== undefined) {
    const what = phase.outcome === 'timed-out' ? 'did not complete in time' : 'failed';
    parts.push(`Phase ${phase.name} ${what}${phase.message === undefined ? '' : `: ${phase.message}`}.`);
  }
  return parts.length === 0 ? undefined : parts.join(' ').replaceAll('..', '.');
}

function doubtSummary(judged: readonly Judged[], statelessPods: number): string | undefined {
  const startup = judged.filter((sli) => sli.id === 'pod-startup');
  // Of stateful pods only where the scenario has a threshold for them.
  const asked = statelessPods > 0 || startup.some(({ labels }) => labels['class'] === 'stateful');
  if (asked && !startup.some((sli) => sli.slo.verdict === 'pass')) {
    const [most] = startup.toSorted((a, b) => b.count - a.count);
    const needed = minimumSamples(most?.slo.quantile ?? 0.99);
    return `Too few pods were started to judge their ${most === undefined ? 'p99' : quantileText(most)}: ${countText(most?.count ?? 0)} of the ${countText(needed)} that it takes.`;
  }
  if (judged.some((sli) => sli.slo.verdict === 'pass')) return undefined;
  return 'There were too few samples to judge any SLO.';
}

function passSummary(judged: readonly Judged[]): string {
  const parts: string[] = [];
  const startup = judged.find((sli) => sli.id === 'pod-startup' && sli.slo.verdict === 'pass');
  if (startup !== undefined) {
    parts.push(`99 % of ${countOf(startup.count, 'pod')} started within ${durationText(startup.p99)}`);
  }
  const calls = judged.filter((sli) => sli.id.startsWith('api-call') && sli.slo.verdict === 'pass');
  const [slowest] = calls.toSorted((a, b) => b.p99 - a.p99);
  if (slowest !== undefined)
    parts.push(`the slowest judged kind of API call took ${toldText(slowest, slowest.p99)} at p99`);
  const met = 'All SLOs that could be judged were met';
  return parts.length === 0 ? `${met}.` : `${met}: ${parts.join(', and ')}.`;
}

/** `450 ms`, `less than 50 ms` where nothing below that is told apart. */
function toldText({ id }: Sli, value: number): string {
  const bound = toldBelow(id, value);
  return bound === undefined ? durationText(value) : `less than ${durationText(bound)}`;
}

function quantileText(sli: Judged): string {
  return sli.slo.quantile >= 1 ? 'maximum' : `p${Number((sli.slo.quantile * 100).toFixed(4))}`;
}

function nameOf(sli: Sli): string {
  if (sli.id === 'pod-startup' || sli.id === 'pod-startup-precise') {
    const kind = sli.labels['kind'];
    return kind === undefined || kind === 'all' ? 'Pod startup' : `Startup of ${kind} pods`;
  }
  const { verb, resource, subresource, scope } = sli.labels;
  if (verb === undefined || resource === undefined) {
    const labels = Object.values(sli.labels).join(', ');
    return labels === '' ? sli.id : `${sli.id} (${labels})`;
  }
  return `${verb} ${resource}${subresource ? `/${subresource}` : ''} (${scope ?? ''})`;
}
