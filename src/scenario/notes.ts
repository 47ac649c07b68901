import type { Cluster } from '../cluster/cluster.ts';
import { clusterNotes } from '../cluster/notes.ts';
import { type WireProfile, wireNotes } from '../hollow/wire-profile.ts';
import { runtimeNotes } from './runtimes.ts';
import type { DeploymentFailure, Scenario } from './scenario.ts';

/** What a pod does that fails in this way, where kubemark's prober says of every container that it is ready. */
const underFakeProber: Readonly<Record<DeploymentFailure['failure'], string>> = {
  flapping: 'flapping pods stay Ready',
  exiting: 'exiting pods are Ready between their runs too',
  'failed-pull': 'pods of failed pulls are Ready while they wait for their image',
};

/** What a reader must know of the failures of pods to read the figures of a run with this profile. */
export function podFailureNotes(
  { phases }: Pick<Scenario, 'phases'>,
  { name, containers }: Pick<WireProfile, 'name' | 'containers'>,
): string[] {
  if (containers === 'real') return [];
  const failures = phases.flatMap((phase) => (phase.type === 'create-deployments' ? phase.failures : []));
  const said = [...new Set(failures.map(({ failure }) => underFakeProber[failure]))];
  if (said.length === 0) return [];
  return [
    `Wire profile ${name}: its nodes probe nothing and call every container ready, as kubemark's do: ${said.join('; ')}.`,
  ];
}

/** What a reader must know to read the figures of a run. */
export function runNotes(scenario: Scenario, wire: WireProfile, cluster: Cluster): string[] {
  return [
    ...wireNotes(wire),
    ...podFailureNotes(scenario, wire),
    ...clusterNotes(cluster),
    ...runtimeNotes(scenario),
  ];
}
