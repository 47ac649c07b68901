import type { Histogram } from '../metrics/histogram.ts';
import type { Unit, Validity, ValidityCheck } from '../result/result.ts';
import { minimumSamples } from '../result/summarise.ts';
import { countOf, countText, durationText, percentText } from './words.ts';

/** The limits of docs/design: loosening one needs a reason in docs/decisions. */
export const limits = {
  observerLoopDelayUs: 10_000,
  /** In place of the two around it where it is larger: this share of the p99 of each SLI that is judged. */
  delayShareOfSli: 0.1,
  /** docs/decisions/gc-pauses.md. */
  gcPauseUs: 10_000,
  shardLoopDelayUs: 100_000,
  watchLagUs: 20_000,
  achievedRatio: 0.98,
  harnessShare: 0.4,
  stealPercent: 5,
  /** Of ours, not of the design: docs/decisions/cpu-others.md. */
  othersPercent: 10,
  clockStepUs: 5_000,
  /** Of ours, not of the design: what `pod-startup` may be off by anyhow. */
  clockSkewUs: 1_000_000,
} as const;

/** Pods as the observer counts them against what the API server lists at the end. */
export type CountComparison = {
  /** On the server, and not known to the observer. */
  missed: number;
  /** Known to the observer, and not on the server. */
  ghosts: number;
  /** Created by the load generator, and never seen by the observer. */
  neverSeen: number;
  /** What is left of created - deleted - present: 0 unless the observer's own books are wrong. */
  imbalance: number;
  listed: number;
};

/** What the checks look at. Undefined parts were not measured: their checks are skipped. */
export type ValidityInputs = {
  /** Of the thread in which observer and load generator live. */
  observerLoopDelay: Histogram;
  observerGcPause: Histogram;
  shardLoopDelay: Histogram | undefined;
  /** Of the observer, and how many probes of it were due. */
  watchLag: { lags: Histogram; dueCount: number };
  /** p99 of each SLI that is judged and that is measured with this harness's clocks. */
  judgedP99sUs: readonly number[];
  /** The share of the planned requests of each paced phase that left in time, or were held back by the server. */
  achieved: readonly { phase: string; ratio: number }[];
  /** Harness CPU over the machine's. */
  harnessShare: number | undefined;
  /** The same of a control plane of ours. */
  controlPlaneShare: number | undefined;
  /** Of processes that are neither. */
  othersShare: number | undefined;
  stealShare: number | undefined;
  /** Samples that found no room, and those beyond a histogram's range. */
  droppedCount: number;
  clampedCount: number;
  clockStepUs: number;
  /** By how much the API server's clock was ahead of ours at least, see `ClockSkew`. */
  clockAheadMs: number | undefined;
  /** `unread`: why the list could not be had. */
  counts: CountComparison | { unread: string } | undefined;
  /** The run was stopped or lost its cluster: what is missing may have had no chance to come. */
  cutShort: boolean;
};

/** Of the observer's lag: when so many were due, two seconds' worth, one at least must have come. */
const lagProbesMin = 8;

/** Whether a run's figures can be trusted. Pure. */
export function checkValidity(inputs: ValidityInputs): Validity {
  const checks = [
    observerLoopDelay(inputs),
    shardLoopDelay(inputs.shardLoopDelay),
    gcPause(inputs),
    watchLag(inputs),
    achievedRate(inputs.achieved),
    harnessCpu(inputs),
    steal(inputs.stealShare),
    othersCpu(inputs.othersShare),
    samplesLost(inputs),
    clockStep(inputs.clockStepUs),
    clockSkew(inputs.clockAheadMs),
    countsAgree(inputs.counts),
  ];
  return { verdict: checks.some(({ verdict }) => verdict === 'fail') ? 'invalid' : 'valid', checks };
}

type Measured = { id: string; value: number; limit: number; unit: Unit };

function check(measured: Measured, passed: boolean, said: string, change: string): ValidityCheck {
  const { value, limit } = measured;
  return {
    ...measured,
    value: Number(value.toPrecision(6)),
    limit: Number(limit.toPrecision(6)),
    verdict: passed ? 'pass' : 'fail',
    message: passed ? `${said}.` : `${said}: ${change}.`,
  };
}

function skipped(measured: Omit<Measured, 'value'>, why: string): ValidityCheck {
  return { ...measured, value: 0, verdict: 'skipped', message: `${why}.` };
}

/** The loop delay that is allowed where each of these is judged. */
export function loopDelayLimitUs(judgedP99sUs: readonly number[]): number {
  return delayLimitUs(limits.observerLoopDelayUs, judgedP99sUs);
}

function delayLimitUs(leastUs: number, judgedP99sUs: readonly number[]): number {
  if (judgedP99sUs.length === 0) return leastUs;
  return Math.round(Math.max(leastUs, limits.delayShareOfSli * Math.min(...judgedP99sUs)));
}

const raisedText = (limitUs: number, leastUs: number): string =>
  limitUs > leastUs ? ', 10 % of the smallest p99 that is judged' : '';

function observerLoopDelay({ observerLoopDelay: delays, judgedP99sUs }: ValidityInputs): ValidityCheck {
  const limit = loopDelayLimitUs(judgedP99sUs);
  const measured: Measured = { id: 'loop-delay-observer', value: delays.quantile(0.99), limit, unit: 'us' };
  if (delays.count === 0)
    return skipped(measured, 'The event-loop delay of observer and load generator was not recorded');
  const raised = raisedText(limit, limits.observerLoopDelayUs);
  return check(
    measured,
    measured.value <= limit,
    `Observer and load generator were late by ${durationText(measured.value)} at p99 (${durationText(limit)} allowed${raised})`,
    'run fewer nodes or a lower rate, or use a machine with more cores',
  );
}

function shardLoopDelay(delays: Histogram | undefined): ValidityCheck {
  const measured: Measured = {
    id: 'loop-delay-shards',
    value: delays?.quantile(0.99) ?? 0,
    limit: limits.shardLoopDelayUs,
    unit: 'us',
  };
  if (delays === undefined || delays.count === 0)
    return skipped(measured, 'No hollow node told its event-loop delay');
  return check(
    measured,
    measured.value <= measured.limit,
    `Hollow nodes were late by ${durationText(measured.value)} at p99 (${durationText(measured.limit)} allowed)`,
    'run fewer nodes, or more shards on a machine with more cores',
  );
}

/**
 * The p99 of pauses. One in a hundred may be longer, and of fewer than a hundred (a minute has some thirty) one, too:
 * else the p99 of a short run would be its largest pause, and the longer the run the laxer the check. Whatever a pause
 * costs is in the loop delay in any case.
 */
export function pauseP99Us(pauses: Histogram): number {
  if (pauses.count >= minimumSamples(0.99)) return pauses.quantile(0.99);
  const [largest, next] = pauses.buckets().toReversed();
  if (largest === undefined || pauses.count === 1) return 0;
  return largest.count > 1 ? largest.value : (next?.value ?? 0);
}

function gcPause({ observerGcPause: pauses, judgedP99sUs }: ValidityInputs): ValidityCheck {
  const limit = delayLimitUs(limits.gcPauseUs, judgedP99sUs);
  const raised = raisedText(limit, limits.gcPauseUs);
  const measured: Measured = { id: 'gc-pause-observer', value: pauseP99Us(pauses), limit, unit: 'us' };
  return check(
    measured,
    measured.value <= measured.limit,
    `Garbage collection held observer and load generator for ${durationText(measured.value)} at p99 (${durationText(limit)} allowed${raised})`,
    'run fewer pods, or use a machine with more cores',
  );
}

function watchLag({ watchLag: { lags, dueCount }, cutShort }: ValidityInputs): ValidityCheck {
  const measured: Measured = {
    id: 'watch-lag-observer',
    value: lags.quantile(0.99),
    limit: limits.watchLagUs,
    unit: 'us',
  };
  if (lags.count === 0 && (cutShort || dueCount < lagProbesMin))
    return skipped(measured, 'The lag of the observer was not measured');
  if (lags.count === 0) {
    return check(
      measured,
      false,
      `Not one of ${countOf(dueCount, 'probe')} of the observer's lag came to both of its watches`,
      'see in the notes what became of them',
    );
  }
  return check(
    measured,
    measured.value <= measured.limit,
    `The observer's watches were ${durationText(measured.value)} behind a watch on a quiet connection at p99 (${durationText(measured.limit)} allowed)`,
    'run fewer nodes or a lower rate, or use a machine with more cores',
  );
}

function achievedRate(achieved: ValidityInputs['achieved']): ValidityCheck {
  const limit = limits.achievedRatio;
  const [worst] = achieved.toSorted((a, b) => a.ratio - b.ratio);
  const measured: Measured = { id: 'achieved-rate', value: worst?.ratio ?? 0, limit, unit: 'ratio' };
  if (worst === undefined) return skipped(measured, 'No phase sent requests at a rate');
  return check(
    measured,
    worst.ratio >= limit,
    `${percentText(worst.ratio)} of the requests of phase ${worst.phase} left in time, or waited for a server that had 1,000 to answer, and no phase had less (${percentText(limit)} asked for)`,
    'lower the rate of that phase, or use a machine with more cores',
  );
}

function harnessCpu({ harnessShare: share, controlPlaneShare }: ValidityInputs): ValidityCheck {
  const measured: Measured = {
    id: 'harness-cpu',
    value: share ?? 0,
    limit: limits.harnessShare,
    unit: 'ratio',
  };
  if (share === undefined) return skipped(measured, 'This system does not tell the CPU time of processes');
  return check(
    measured,
    share <= measured.limit,
    `The harness used ${percentText(share)} of the machine's CPU (${percentText(measured.limit)} allowed)${besideControlPlane(share, controlPlaneShare)}`,
    'run fewer nodes or a lower rate, or use a machine with more cores',
  );
}

/** So much CPU for each bit of the control plane's: what the load costs who sends it. */
function besideControlPlane(share: number, controlPlaneShare: number | undefined): string {
  if (controlPlaneShare === undefined || controlPlaneShare === 0) return '';
  const times = Number((share / controlPlaneShare).toPrecision(2));
  return `, ${times} times what the control plane used (${percentText(controlPlaneShare)})`;
}

function othersCpu(share: number | undefined): ValidityCheck {
  const measured: Measured = {
    id: 'cpu-others',
    value: (share ?? 0) * 100,
    limit: limits.othersPercent,
    unit: 'percent',
  };
  if (share === undefined) {
    return skipped(
      measured,
      'What other processes used of the CPU is not known: the system does not tell, the control plane is not ours, or not all cores are for us',
    );
  }
  return check(
    measured,
    measured.value <= measured.limit,
    `Processes that are neither harness nor control plane used ${percentText(share)} of the machine's CPU (${limits.othersPercent} % allowed)`,
    'end what else runs there, or use a machine of its own',
  );
}

function steal(share: number | undefined): ValidityCheck {
  const measured: Measured = {
    id: 'cpu-steal',
    value: (share ?? 0) * 100,
    limit: limits.stealPercent,
    unit: 'percent',
  };
  if (share === undefined) return skipped(measured, 'This system does not tell CPU steal');
  return check(
    measured,
    measured.value <= measured.limit,
    `The hypervisor gave ${percentText(share)} of the machine's CPU time to others (${limits.stealPercent} % allowed)`,
    'use a machine whose CPUs are not shared',
  );
}

function samplesLost({ droppedCount, clampedCount }: ValidityInputs): ValidityCheck {
  const lost = droppedCount + clampedCount;
  return check(
    { id: 'samples-lost', value: lost, limit: 0, unit: 'count' },
    lost === 0,
    lost === 0
      ? 'Every sample was kept'
      : `${countOf(droppedCount, 'sample')} found no room and ${countText(clampedCount)} lay beyond the histograms' hour`,
    'run fewer pods at once, or find out what took longer than an hour',
  );
}

function clockStep(stepUs: number): ValidityCheck {
  return check(
    { id: 'clock-step', value: stepUs, limit: limits.clockStepUs, unit: 'us' },
    stepUs <= limits.clockStepUs,
    `The wall clock never moved by more than ${durationText(stepUs)} against the monotonic one within a second (${durationText(limits.clockStepUs)} allowed)`,
    'it was stepped; let NTP slew it, or set the time before the run',
  );
}

function clockSkew(aheadMs: number | undefined): ValidityCheck {
  const value = Math.abs(aheadMs ?? 0) * 1000;
  const measured: Measured = { id: 'clock-skew', value, limit: limits.clockSkewUs, unit: 'us' };
  if (aheadMs === undefined) return skipped(measured, 'The API server did not say what time it is');
  const how = aheadMs < 0 ? 'behind' : 'ahead of';
  return check(
    measured,
    value <= measured.limit,
    value === 0
      ? "The API server's wall clock was not seen to differ from ours"
      : `The API server's wall clock was at least ${durationText(value)} ${how} ours (${durationText(measured.limit)} allowed)`,
    'have NTP keep both, as startup and network programming are counted from one to the other',
  );
}

function countsAgree(counts: ValidityInputs['counts']): ValidityCheck {
  const base = { id: 'counts-agree', limit: 0, unit: 'count' as const };
  if (counts === undefined) {
    return skipped(base, 'The observer could not be compared with a final list of pods');
  }
  if ('unread' in counts) {
    return check(
      { ...base, value: 0 },
      false,
      `The API server did not give the final list of pods (${counts.unread})`,
      'see why it did not, or load it less',
    );
  }
  const { missed, ghosts, neverSeen, imbalance, listed } = counts;
  const wrong = missed + ghosts + neverSeen + Math.abs(imbalance);
  return check(
    { ...base, value: wrong },
    wrong === 0,
    wrong === 0
      ? `The observer's pods are those that the API server lists at the end (${countText(listed)})`
      : `The observer's books are wrong: ${missed} pods on the server that it does not know, ${ghosts} that are gone, ${neverSeen} created that it never saw, ${imbalance} not accounted for`,
    'this is a fault of Hollowmark or of the watch; please report it with result.json',
  );
}
