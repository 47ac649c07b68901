import type { Sli } from '../result/result.ts';
import { minimumSamples } from '../result/summarise.ts';
import { type Threshold, isFrom } from './slo.ts';
import { countText } from './words.ts';

/**
 * The thresholds of a scenario that nothing was held against, as one sentence; undefined when there is none. One that
 * another takes the place of everywhere (its SLIs are judged by that) is not among them. Pure.
 */
export function unjudgedThresholds(
  thresholds: readonly Threshold[],
  slis: readonly Sli[],
): string | undefined {
  const told = thresholds.flatMap((threshold) => {
    const why = whyUnjudged(threshold, slis);
    return why === undefined ? [] : [`${nameOf(threshold)} (${why})`];
  });
  if (told.length === 0) return undefined;
  return `Not judged, though the scenario has a threshold for it: ${told.join('; ')}.`;
}

function whyUnjudged(threshold: Threshold, slis: readonly Sli[]): string | undefined {
  const matching = slis.filter(
    ({ id, labels, slo }) =>
      id === threshold.sli &&
      slo !== undefined &&
      Object.entries(threshold.labels).every(([label, value]) => labels[label] === value),
  );
  if (matching.length === 0) return 'the run has no such SLI';
  const own = matching.filter(({ slo }) => slo !== undefined && isFrom(slo, threshold));
  if (own.length === 0 || own.some(({ slo }) => slo?.verdict !== 'inconclusive')) return undefined;
  const most = Math.max(...own.map(({ count }) => count));
  const needed = minimumSamples(threshold.quantile);
  if (most >= needed) return 'its histogram has no bound between value and threshold';
  return `${countText(most)} of the ${countText(needed)} samples that it takes`;
}

function nameOf({ sli, labels }: Threshold): string {
  const told = Object.entries(labels).map(([label, value]) => `${label} ${value}`);
  return [sli, ...told].join(', ');
}
