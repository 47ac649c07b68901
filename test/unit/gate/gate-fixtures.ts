import { Prng } from '../../../src/base/prng.ts';
import { type GateRun, type GateSli, gateRunOf } from '../../../src/gate/gate-run.ts';
import { sampleResult } from '../report/sample-result.ts';

const sample: GateRun = { ...gateRunOf(sampleResult()), unusable: null, verdict: 'pass', slis: [] };

/** An SLI whose quantiles are all one value. */
export function gateSli(id: string, us: number, labels: Record<string, string> = {}, count = 1000): GateSli {
  return { id, labels, unit: 'us', count, p50: us, p90: us, p99: us, p999: us };
}

/** The `index`th run of a series of nights. */
export function gateRun(index: number, slis: GateSli[], change: Partial<GateRun> = {}): GateRun {
  const startedAt = new Date(Date.UTC(2026, 0, 1 + index)).toISOString();
  return { ...sample, id: `run-${index}`, startedAt, slis, ...change };
}

/** A standard normal deviate, of two uniform ones (Box and Muller). */
export function normal(prng: Prng): number {
  return Math.sqrt(-2 * Math.log(1 - prng.float())) * Math.cos(2 * Math.PI * prng.float());
}

/** Runs of as many series, whose logarithms have this deviation, all by chance. */
export function randomRuns(
  prng: Prng,
  { runs, series, deviation, from = 0 }: { runs: number; series: number; deviation: number; from?: number },
): GateRun[] {
  return Array.from({ length: runs }, (_, index) =>
    gateRun(
      from + index,
      Array.from({ length: series }, (__, which) =>
        gateSli('api-call', 1e6 * Math.exp(deviation * normal(prng)), { resource: `r${which}` }),
      ),
    ),
  );
}

/** The same runs with one series so many times as slow. */
export function slowed(runs: readonly GateRun[], ratio: number): GateRun[] {
  return runs.map((run) => ({
    ...run,
    slis: run.slis.map((sli, index) => (index === 0 ? { ...sli, p99: sli.p99 * ratio } : sli)),
  }));
}
