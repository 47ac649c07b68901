import type { Sli } from '../result/result.ts';
import { componentNames, specOf } from './components/components.ts';

const ofComponents: ReadonlySet<string> = new Set(
  componentNames.flatMap((component) => specOf(component).histograms.map(({ id }) => id)),
);

/**
 * The p99 of each SLI that is judged and had enough samples for it, in microseconds. Those that components tell of
 * themselves are left out: their clocks are not the harness's. Pure.
 */
export function judgedP99sUs(slis: readonly Sli[]): number[] {
  return slis
    .filter(({ slo }) => slo !== undefined && slo.verdict !== 'inconclusive')
    .filter(({ id }) => !ofComponents.has(id))
    .map(({ p99 }) => p99);
}
