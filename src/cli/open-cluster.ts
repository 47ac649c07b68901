import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ForeignCluster } from '../cluster/foreign-cluster.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { chooseIdentity, requireRules } from '../cluster/permissions.ts';
import { removeDeadRun } from '../cluster/remove-run.ts';
import { renderSurvey } from '../cluster/render-survey.ts';
import { neededForRun } from '../cluster/rules.ts';
import { SharedCluster, cleanCommandOf } from '../cluster/shared-cluster.ts';
import { clusterIdOf, podRangesFor, refuseTaken, survey } from '../cluster/survey.ts';
import { whoAmI } from '../cluster/who-am-i.ts';
import type { ControlPlaneOptions, FlagProfile } from '../control-plane/control-plane.ts';
import type { Journal } from '../journal/journal.ts';
import type { ForeignLeftover } from '../journal/sweep.ts';
import { grants } from '../load/identity.ts';
import { runtimeClassName } from '../load/runtime-class.ts';
import { totalPods } from '../scenario/estimate.ts';
import { nodeConfigs } from '../scenario/nodes.ts';
import { podRangesOn } from '../scenario/pod-ranges.ts';
import { runtimeClasses } from '../scenario/runtimes.ts';
import { endedPodsMax, totalVolumes, workloadKinds } from '../scenario/workloads.ts';
import { namespaceNames } from '../scenario/phases/plan.ts';
import type { ExtraFlags, Scenario } from '../scenario/scenario.ts';
import { type ClusterFlags, checkedBinaries, nodeIdentityOf } from './options.ts';
import { usageError } from './usage.ts';

export type OpenClusterOptions = {
  scenario: Scenario;
  /** Only the nodes of the scenario, without its load. */
  nodesOnly: boolean;
  runId: string;
  /** The flag profile of a control plane of our own unless `--flags` names one. */
  profile: FlagProfile;
  journal: Journal;
  /** Runs of this machine that were killed on clusters of others. */
  leftovers: readonly ForeignLeftover[];
  reporter: Reporter;
  signal: AbortSignal;
};

/**
 * Starts a control plane of our own, or connects to the cluster of `--kubeconfig`, once the user has said yes to it.
 * @throws HollowmarkError `bad-input` for a cluster that the user has not confirmed, or that cannot be used as it is;
 * else as `startControlPlane` or `ForeignCluster.open`. Nothing has been made then.
 */
export async function openCluster(flags: ClusterFlags, options: OpenClusterOptions): Promise<Cluster> {
  if (flags.yes && flags.kubeconfig === undefined) {
    throw usageError('--yes is said to an existing cluster, and there is no --kubeconfig');
  }
  const { scenario, journal, leftovers, reporter, signal, profile } = options;
  if (flags.kubeconfig !== undefined) return openForeign(flags, flags.kubeconfig, options);
  for (const leftover of leftovers) reporter.warn(leftoverText(leftover));
  const controlPlane = {
    ...checkedBinaries(flags),
    profile: flags.flags ?? profile,
    extraFlags: argvOf(scenario.controlPlane.extraFlags),
    stateDir: join(journal.dir, 'control-plane'),
    children: journal,
    reporter,
    signal,
  };
  return LocalCluster.start(controlPlane, nodeIdentityOf(flags) ?? 'certificate');
}

/** `{kube-apiserver: {goaway-chance: '0.02'}}` → `--goaway-chance=0.02`. */
function argvOf(extraFlags: ExtraFlags): ControlPlaneOptions['extraFlags'] {
  return Object.fromEntries(
    Object.entries(extraFlags).map(([component, flags]) => [
      component,
      Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    ]),
  );
}

async function openForeign(
  flags: ClusterFlags,
  kubeconfig: string,
  options: OpenClusterOptions,
): Promise<Cluster> {
  const { scenario, nodesOnly, runId, journal, leftovers, reporter, signal } = options;
  if (Object.keys(scenario.controlPlane.extraFlags).length > 0) {
    throw new HollowmarkError(
      'bad-input',
      `controlPlane.extraFlags: the control plane of ${kubeconfig} is not started by Hollowmark`,
      { hint: 'leave out --kubeconfig, or take the flags out of the scenario' },
    );
  }
  reporter.step(`Looking at the cluster of ${kubeconfig}`);
  const foreign = await ForeignCluster.open({
    kubeconfig,
    context: flags.context,
    clock: systemClock,
    reporter,
    signal,
  });
  try {
    const { client, server, context, kubeconfigPath } = foreign;
    refuseAnother(flags, server);
    // Once, without patience: a server that is not there is noticed at once.
    await whoAmI(client);
    const clusterId = await clusterIdOf(client, signal);
    const place = { kubeconfig: kubeconfigPath, context, server, clusterId };
    const { here, elsewhere } = byPlace(leftovers, place);
    for (const leftover of elsewhere) reporter.warn(leftoverText(leftover));
    if (flags.yes) await removeLeftovers(here, foreign, reporter, signal);
    const intent = {
      nodes: nodeConfigs(scenario, '', runId, true),
      namespaces: nodesOnly ? [] : namespaceNames(scenario),
      endedPods: nodesOnly ? 0 : endedPodsMax(scenario),
    };
    const found = await survey(foreign, intent, signal);
    const ownPodRanges = podRangesOn(found.podCidrs, intent.nodes, podRangesFor(found));
    // Names that a killed run holds are free once it has been removed, which takes a yes.
    if (flags.yes || here.length === 0) refuseTaken(found);
    const classes = nodesOnly ? [] : runtimeClasses(scenario);
    const workloads = nodesOnly ? [] : workloadKinds(scenario);
    const parts = { nodesOnly, runtimeClasses: classes.length > 0, workloads };
    const identity = nodeIdentityOf(flags) ?? (await chooseIdentity(client, signal, parts));
    await requireRules(client, neededForRun(identity, parts), signal);
    const { version } = found;
    if (version === undefined) {
      throw new HollowmarkError('bad-input', `${server}: its version may not be read`, {
        hint: 'the user needs `get` on the non-resource URL /version',
      });
    }
    const lines = renderSurvey(found, {
      ...intent,
      runId,
      runtimeClasses: classes.map(({ name }) => runtimeClassName(name, { runId, confined: true })),
      podsMax: nodesOnly ? 0 : totalPods(scenario),
      volumes: nodesOnly ? 0 : totalVolumes(scenario),
      rbacObjectCount: nodesOnly || identity === 'pooled' ? 0 : grants(runId, workloads).length,
      identity,
    });
    confirm(flags, lines, here, reporter);
    journal.note({ foreign: place });
    return new SharedCluster({
      foreign,
      version,
      runId,
      identityMode: identity,
      ownPodRanges,
      reporter,
      onClean: () => journal.note({ foreign: undefined }),
    });
  } catch (error) {
    foreign.close();
    throw error;
  }
}

/** `run --again` means the cluster of then: the kubeconfig may lead to another one by now. */
function refuseAnother({ server: then }: ClusterFlags, now: string): void {
  if (then === undefined || then === now) return;
  throw new HollowmarkError(
    'bad-input',
    `the earlier run was on ${then}, and its kubeconfig leads to ${now}`,
    {
      hint: 'if that is the one that you mean, name the kubeconfig with --kubeconfig',
    },
  );
}

/** Load on the wrong cluster is a disaster: nobody gets it there without having been shown where it goes. */
function confirm(
  flags: ClusterFlags,
  lines: readonly string[],
  here: readonly ForeignLeftover[],
  reporter: Reporter,
): void {
  if (flags.yes) {
    for (const line of lines) {
      const warning = /^warning: (.*)/.exec(line)?.[1];
      if (warning === undefined) reporter.info(line);
      else reporter.warn(warning);
    }
    return;
  }
  const first = here.map(({ runId }) => `first removed: what the run ${runId} left there when it was killed`);
  const list = [...lines, ...first].map((line) => `  ${line}`).join('\n');
  throw new HollowmarkError(
    'bad-input',
    `this cluster has not been confirmed, and nothing was made on it:\n${list}`,
    { hint: 'if it is the one that you mean, run the same command again with --yes' },
  );
}

type Place = Pick<ForeignLeftover, 'kubeconfig' | 'context' | 'server' | 'clusterId'>;

/** The runs that were killed on this very cluster, and those elsewhere. One URL may lead to several: tunnels do. */
export function byPlace(
  leftovers: readonly ForeignLeftover[],
  place: Place,
): { here: ForeignLeftover[]; elsewhere: ForeignLeftover[] } {
  const isHere = (leftover: ForeignLeftover): boolean =>
    leftover.clusterId === undefined || place.clusterId === undefined
      ? leftover.server === place.server &&
        leftover.kubeconfig === place.kubeconfig &&
        leftover.context === place.context
      : leftover.clusterId === place.clusterId;
  return {
    here: leftovers.filter(isHere),
    elsewhere: leftovers.filter((leftover) => !isHere(leftover)),
  };
}

async function removeLeftovers(
  leftovers: readonly ForeignLeftover[],
  { client, server }: ForeignCluster,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  for (const leftover of leftovers) {
    const { runId } = leftover;
    reporter.step(`Removing what the killed run ${runId} left on ${server}`);
    try {
      await removeDeadRun({ client, runId, reporter, signal });
      leftover.forget();
    } catch (error) {
      if (signal.aborted) throw error;
      reporter.warn(`What the killed run ${runId} left on ${server} is still there: ${errorMessage(error)}`);
    }
  }
}

/** What is said of a run that was killed while it worked on a cluster of others. */
export function leftoverText({ runId, server, kubeconfig, context }: ForeignLeftover): string {
  const command = cleanCommandOf({ kubeconfigPath: kubeconfig, context }, runId);
  return `The run ${runId} was killed and may have left objects on ${server}: \`${command}\` removes them`;
}
