import type { RunResult, RunVerdict, Unit } from '../result/result.ts';
import { type RunIdentity, identityOf } from './identity.ts';
import { whyPartial } from './run-set.ts';

export const baselineRunSchemaId = 'hollowmark.baseline-run/v1';

/** One SLI's quantiles in one run. */
export type GateSli = {
  id: string;
  labels: Record<string, string>;
  unit: Unit;
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
};

/** What a gate takes of a run, and what a baseline keeps of it: quantiles and identity, some ten KB. */
export type GateRun = {
  schema: typeof baselineRunSchemaId;
  id: string;
  startedAt: string;
  verdict: RunVerdict;
  /** Why its figures cannot be trusted or are not of a whole run; null when they count. */
  unusable: string | null;
  identity: RunIdentity;
  slis: GateSli[];
};

export function gateRunOf(result: RunResult): GateRun {
  const { run, verdict } = result;
  return {
    schema: baselineRunSchemaId,
    id: run.id,
    startedAt: run.startedAt,
    verdict,
    unusable: whyPartial(result) ?? (verdict === 'invalid' ? 'invalid' : null),
    identity: identityOf(result),
    slis: result.slis
      .filter(({ count }) => count > 0)
      .map(({ id, labels, unit, count, p50, p90, p99, p999 }) => ({
        id,
        labels,
        unit,
        count,
        p50,
        p90,
        p99,
        p999,
      })),
  };
}
