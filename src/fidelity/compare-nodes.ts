import { join } from 'node:path';
import { type Comparison, compareRuns } from './comparison.ts';
import type { Clock } from '../base/clock.ts';
import { HollowSide } from './hollow-side.ts';
import { loadKnownGaps } from './known-gaps.ts';
import { KubemarkNodes } from './reference/kubemark.ts';
import { RealNode } from './reference/real-node.ts';
import type { Reference } from './references.ts';
import { type RunSideOptions, type SideRun, runSide } from './run-side.ts';
import type { NodeSide, SideOptions } from './side.ts';
import type { WorkPlan } from './work/plan.ts';

export type CompareOptions = Pick<
  RunSideOptions,
  'binaries' | 'stateDir' | 'children' | 'clock' | 'reporter' | 'signal'
> & {
  against: Reference;
  plan: WorkPlan;
  /** How often each side does the work. */
  repeats: number;
  /** Called after each run of a side, so that what was recorded is kept whatever comes after. */
  onRun: (run: SideRun, role: Role, index: number) => void;
};

export type Role = 'reference' | 'hollow';

/**
 * Has both sides do the same work in turns, each time on a control plane of its own, and compares what they sent.
 * @throws HollowmarkError as {@link runSide}.
 */
export async function compareNodes(options: CompareOptions): Promise<Comparison> {
  const { against, plan, repeats, onRun, reporter, stateDir } = options;
  const runs: Record<Role, SideRun[]> = { reference: [], hollow: [] };
  // A real node has no kube-proxy beside it here, so neither has its hollow counterpart.
  const proxies = against !== 'kubelet';
  for (let index = 0; index < repeats; index++) {
    for (const role of ['reference', 'hollow'] as const) {
      const kind = role === 'reference' ? against : 'hollow';
      reporter.info(`Run ${2 * index + (role === 'hollow' ? 2 : 1)} of ${2 * repeats}: ${kind} nodes`);
      const run = await runSide({
        ...options,
        kind,
        makeSide: (sideOptions) => makeSide(kind, sideOptions, against, options.clock),
        plan,
        proxies,
        stateDir: join(stateDir, `${role}-${index + 1}`),
      });
      runs[role].push(run);
      onRun(run, role, index);
    }
  }
  return compareRuns(against, plan, runs, loadKnownGaps());
}

/** Nodes of one kind; hollow ones do as those do `against` which they are held. */
export function makeSide(kind: Reference, options: SideOptions, against: Reference, clock: Clock): NodeSide {
  switch (kind) {
    case 'kubelet':
      return new RealNode(options);
    case 'kubemark':
      return new KubemarkNodes(options);
    case 'hollow':
      return new HollowSide(options, against === 'kubemark' ? 'kubemark' : 'kubelet', clock);
  }
}
