import { join } from 'node:path';
import type { RuntimeProfile } from '../hollow/runtime/runtime-profile.ts';
import { HollowSide, type HollowSideOptions } from './hollow-side.ts';
import { KubemarkNodes } from './reference/kubemark.ts';
import { RealNode } from './reference/real-node.ts';
import type { Reference } from './references.ts';
import type { NodeSide, NodesRunOptions, SideOptions } from './side.ts';

export type Role = 'reference' | 'hollow';

export type TurnsOptions = Pick<
  NodesRunOptions,
  'binaries' | 'stateDir' | 'children' | 'clock' | 'reporter' | 'signal'
> & {
  against: Reference;
  /** Of the hollow nodes, where it is not the one that the reference's kind has. */
  runtime?: RuntimeProfile | undefined;
  /** How often each side does the work, each time on a control plane of its own. */
  repeats: number;
};

/** Has both sides run in turns, the reference first. `index` counts the runs of a side, from 0. */
export async function inTurns(
  options: TurnsOptions,
  run: (side: NodesRunOptions, role: Role, index: number) => Promise<void>,
): Promise<void> {
  const { against, runtime, repeats, stateDir, binaries, children, clock, reporter, signal } = options;
  // A real node has no kube-proxy beside it here, so neither has its hollow counterpart.
  const proxies = against !== 'kubelet';
  for (let index = 0; index < repeats; index++) {
    for (const [turn, role] of (['reference', 'hollow'] as const).entries()) {
      const kind = role === 'reference' ? against : 'hollow';
      reporter.info(`Run ${2 * index + turn + 1} of ${2 * repeats}: ${kind} nodes`);
      const side: NodesRunOptions = {
        kind,
        makeSide: (sideOptions) =>
          makeSide(kind, sideOptions, {
            profile: against === 'kubemark' ? 'kubemark' : 'kubelet',
            runtime: role === 'hollow' ? runtime : undefined,
            clock,
          }),
        proxies,
        binaries,
        stateDir: join(stateDir, `${role}-${index + 1}`),
        children,
        clock,
        reporter,
        signal,
      };
      await run(side, role, index);
    }
  }
}

function makeSide(kind: Reference, options: SideOptions, hollow: HollowSideOptions): NodeSide {
  switch (kind) {
    case 'kubelet':
      return new RealNode(options);
    case 'kubemark':
      return new KubemarkNodes(options);
    case 'hollow':
      return new HollowSide(options, hollow);
  }
}
