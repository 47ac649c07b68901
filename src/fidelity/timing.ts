import type { AuditEvent, JoinedRequest } from './audit.ts';
import { type Values, medianOf } from './compare-rows.ts';

/** How long pods took from their binding to the PATCH that says Running, of one run: milliseconds, unordered. */
export type StartTimes = { trickle: number[]; burst: number[] };

/** Medians over all pods of all runs may differ by so much, or by as much as the reference's own runs do. */
const toleranceShare = 0.15;

/** The median of fewer starts says little. */
const startsMin = 20;

export type ComparedTiming = {
  /** `single` pods, or all of the `burst` at once. */
  name: 'single' | 'burst';
  /** One median for each run, and that of all their pods. Milliseconds. */
  reference: Values;
  hollow: Values;
  ratio: number | null;
  /** Whether there were enough starts to judge. */
  judged: boolean;
  agrees: boolean;
};

/**
 * Times starts by the API server's clock. The binding is what a node's watch delivers a moment later.
 * @param pods `namespace/name`, by phase.
 * @returns without the pods that never ran.
 */
export function startTimes(
  events: readonly AuditEvent[],
  joined: readonly JoinedRequest[],
  pods: Record<keyof StartTimes, readonly string[]>,
): StartTimes {
  const bound = new Map<string, number>();
  for (const { resource, subresource, namespace, name, receivedUs } of events) {
    if (resource === 'pods' && subresource === 'binding') bound.set(`${namespace}/${name}`, receivedUs);
  }
  const running = new Map<string, number>();
  for (const { audit, wire } of joined) {
    if (audit.verb !== 'patch' || audit.resource !== 'pods' || audit.subresource !== 'status') continue;
    const pod = `${audit.namespace}/${audit.name}`;
    if (!running.has(pod) && saysRunning(wire.body)) running.set(pod, audit.receivedUs);
  }
  const of = (names: readonly string[]): number[] =>
    names.flatMap((name) => {
      const from = bound.get(name);
      const to = running.get(name);
      return from === undefined || to === undefined ? [] : [(to - from) / 1000];
    });
  return { trickle: of(pods.trickle), burst: of(pods.burst) };
}

/** A status PATCH is JSON whatever else the client speaks. */
function saysRunning(body: string | undefined): boolean {
  if (body === undefined) return false;
  const { status } = JSON.parse(body) as { status?: { phase?: string } };
  return status?.phase === 'Running';
}

/** Pure. */
export function compareTimes(
  reference: readonly StartTimes[],
  hollow: readonly StartTimes[],
): ComparedTiming[] {
  return (['trickle', 'burst'] as const).map((phase) => {
    const starts = (runs: readonly StartTimes[]): number[] => runs.flatMap((run) => run[phase]);
    const values = (runs: readonly StartTimes[]): Values => ({
      runs: runs.map((run) => medianOf(run[phase])),
      median: medianOf(starts(runs)),
    });
    const [ofReference, ofHollow] = [values(reference), values(hollow)];
    const { runs, median } = ofReference;
    const tolerance = toleranceShare * median;
    return {
      name: phase === 'trickle' ? 'single' : 'burst',
      reference: ofReference,
      hollow: ofHollow,
      ratio: median === 0 ? null : ofHollow.median / median,
      judged: Math.min(starts(reference).length, starts(hollow).length) >= startsMin,
      agrees:
        ofHollow.median >= Math.min(...runs, median - tolerance) &&
        ofHollow.median <= Math.max(...runs, median + tolerance),
    };
  });
}
