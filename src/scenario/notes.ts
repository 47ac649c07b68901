import type { Cluster } from '../cluster/cluster.ts';
import { clusterNotes, flagNotes } from '../cluster/notes.ts';
import { type WireProfile, wireNotes } from '../hollow/wire-profile.ts';
import { concurrencyMaxDefault } from '../load/sender.ts';
import type { PhaseRecord } from '../result/result.ts';
import { runtimeNotes } from './runtimes.ts';
import type { DeploymentFailure, Scenario } from './scenario.ts';

/** What a pod does that fails in this way, where kubemark's prober says of every container that it is ready. */
const underFakeProber: Readonly<Record<DeploymentFailure['failure'], string>> = {
  flapping: 'flapping pods stay Ready',
  exiting: 'exiting pods are Ready between their runs too',
  'out-of-memory': 'pods out of memory are Ready between their runs too',
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

/** Of phases whose requests waited for a server that answered too slowly. */
export function heldBackNotes(phases: readonly Pick<PhaseRecord, 'name' | 'requests'>[]): string[] {
  return phases.flatMap(({ name, requests }) => {
    if (requests?.heldBack === undefined || requests.heldBack === 0) return [];
    return [
      `Phase ${name}: ${requests.heldBack} of ${requests.sent} requests left late because ${concurrencyMaxDefault} others had no answer: the server was slow, not the load generator. Their latencies count from when they should have left, and the check achieved-rate takes them as sent in time.`,
    ];
  });
}

/** What a reader must know to read the figures of a run, what measuring says in it, and last what most runs say. */
export function runNotes(
  scenario: Scenario,
  wire: WireProfile,
  cluster: Cluster,
  measured: readonly string[],
): string[] {
  return [
    ...wireNotes(wire),
    ...podFailureNotes(scenario, wire),
    ...clusterNotes(cluster),
    ...runtimeNotes(scenario),
    ...measured,
    ...flagNotes(cluster),
  ];
}
