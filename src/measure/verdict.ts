import type { PhaseRecord, RunVerdict, Sli, Validity } from '../result/result.ts';
import { minimumSamples } from '../result/summarise.ts';
import { countOf, countText, durationText } from './words.ts';

/** What a run is judged by. */
export type VerdictInputs = {
  slis: readonly Sli[];
  validity: Validity;
  phases: readonly PhaseRecord[];
  /** Somebody stopped the run. */
  interrupted: boolean;
  /** Pods that the run made; their startup is judged where there are any. */
  podsCreated: number;
};

type Judged = Sli & { slo: NonNullable<Sli['slo']> };

/**
 * The verdict on a run, and a sentence for it. Pure.
 *
 * In this order: `interrupted` (nothing can be said of a part of a run), `invalid` (the harness was the bottleneck: a
 * missed SLO may be its own), `fail` (an SLO was missed or a phase did not complete), `inconclusive` (pods were made
 * and too few of them started to judge the startup; or nothing at all could be judged), `pass`. Kinds of API call that
 * were too rare to be judged do not make a run inconclusive: every run has some.
 */
export function judgeRun(inputs: VerdictInputs): { verdict: RunVerdict; summary: string } {
  const judged = inputs.slis.filter((sli): sli is Judged => sli.slo !== undefined);
  if (inputs.interrupted) return { verdict: 'interrupted', summary: interruptedSummary(inputs.phases) };
  if (inputs.validity.verdict === 'invalid')
    return { verdict: 'invalid', summary: invalidSummary(inputs.validity) };
  const failure = failureSummary(judged, inputs.phases);
  if (failure !== undefined) return { verdict: 'fail', summary: failure };
  const doubt = doubtSummary(judged, inputs.podsCreated);
  if (doubt !== undefined) return { verdict: 'inconclusive', summary: doubt };
  return { verdict: 'pass', summary: passSummary(judged) };
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
  const [worst] = missed.toSorted((a, b) => valueOf(b) / b.slo.threshold - valueOf(a) / a.slo.threshold);
  if (worst !== undefined) {
    parts.push(
      `${nameOf(worst)} missed its SLO: the ${quantileText(worst)} was ${durationText(valueOf(worst))}, the threshold is ${durationText(worst.slo.threshold)}.`,
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

function doubtSummary(judged: readonly Judged[], podsCreated: number): string | undefined {
  const startup = judged.filter((sli) => sli.id === 'pod-startup');
  if (podsCreated > 0 && !startup.some((sli) => sli.slo.verdict === 'pass')) {
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
    parts.push(`the slowest judged kind of API call took ${durationText(slowest.p99)} at p99`);
  return parts.length === 0 ? 'All SLOs were met.' : `All SLOs were met: ${parts.join(', and ')}.`;
}

function valueOf(sli: Judged): number {
  const { quantile } = sli.slo;
  if (quantile <= 0.5) return sli.p50;
  if (quantile <= 0.9) return sli.p90;
  if (quantile <= 0.99) return sli.p99;
  return quantile <= 0.999 ? sli.p999 : sli.max;
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
  if (verb === undefined || resource === undefined) return sli.id;
  return `${verb} ${resource}${subresource ? `/${subresource}` : ''} (${scope ?? ''})`;
}
