import { hollowTaintKey } from '../load/labels.ts';
import type { IdentityMode } from './cluster.ts';
import { type FoundRun, countByKind } from './runs.ts';
import type { Intent, Survey } from './survey.ts';
import { counted, countsText, durationText, someOf } from './words.ts';

/** What a run will make, for people to agree to. */
export type RunPlan = Intent & {
  runId: string;
  runtimeClasses: readonly string[];
  /** Pods that there are at most at one time. */
  podsMax: number;
  /** PersistentVolumes, which are in no namespace. */
  volumes: number;
  /** Roles and bindings for load and observer. */
  rbacObjectCount: number;
  identity: IdentityMode;
};

const identities: Readonly<Record<IdentityMode, string>> = {
  impersonation: 'of their own, by impersonation',
  certificate: 'of their own, by certificates that this cluster signs (Certificates API)',
  pooled: "none of their own: every request is the kubeconfig's user's",
};

const unknown = 'not known (may not be read)';

/**
 * What somebody must know before he says yes: which cluster it is, what is on it, what will be made, and what may go
 * wrong. Plain lines without an end.
 */
export function renderSurvey(survey: Survey, plan: RunPlan): string[] {
  const nodes = plan.nodes.map(({ name }) => name);
  const facts: [string, string][] = [
    ['server', `${survey.server}${survey.proxy === undefined ? '' : ` (through the proxy ${survey.proxy})`}`],
    ['context', `${survey.context}${survey.user === undefined ? '' : ` (user ${survey.user})`}`],
    ['version', survey.version ?? unknown],
    ['nodes', count(survey.nodeCount)],
    ['pods', count(survey.podCount)],
    ['will make', `${counted(nodes.length, 'node')}${range(nodes)}, tainted ${hollowTaintKey}:NoSchedule`],
    ...further(plan),
    ['identities', identities[plan.identity]],
    ['run', `${plan.runId} (the label of all that is made)`],
  ];
  return [
    ...facts.map(([name, value]) => `${name.padEnd(12)}${value}`),
    ...warnings(survey, plan).map((text) => `warning: ${text}`),
  ];
}

/** What else is made, as far as anything is. */
function further({
  namespaces,
  runtimeClasses,
  podsMax,
  volumes,
  rbacObjectCount,
}: RunPlan): [string, string][] {
  const rows: [number, string][] = [
    [namespaces.length, `${counted(namespaces.length, 'namespace')}${range(namespaces)}`],
    [runtimeClasses.length, `${counted(runtimeClasses.length, 'RuntimeClass')}${range(runtimeClasses)}`],
    [podsMax, `${counted(podsMax, 'pod')} at most, on these nodes only`],
    [volumes, `${counted(volumes, 'PersistentVolume')}, of a storage class of the run's own`],
    [rbacObjectCount, counted(rbacObjectCount, 'RBAC object')],
  ];
  return rows.filter(([value]) => value > 0).map(([, text]) => ['', text]);
}

/** Ended pods that a cluster keeps, unless --terminated-pod-gc-threshold of its controller manager says otherwise. */
const endedPodsMax = 12_500;

function warnings(survey: Survey, { endedPods = 0 }: RunPlan): string[] {
  const { takenNodes = [], takenNamespaces = [], daemonSets = [], cloudProviders = [], runs } = survey;
  const lines = survey.insecure
    ? ['its certificate is not looked at (insecure-skip-tls-verify): nothing vouches for the server']
    : [];
  lines.push(...(runs ?? []).map(runText));
  if (runs === undefined) lines.push('whether other runs are on it is not known (may not be listed)');
  if (takenNodes.length > 0) lines.push(`there are nodes of these names already: ${someOf(takenNodes)}`);
  if (takenNamespaces.length > 0) {
    lines.push(`there are namespaces of these names already: ${someOf(takenNamespaces)}`);
  }
  if (daemonSets.length > 0) {
    lines.push(
      `${counted(daemonSets.length, 'DaemonSet')} tolerate${daemonSets.length === 1 ? 's' : ''} the taint and will put a pod on each hollow node, where it only seems to run: ${someOf(daemonSets)}`,
    );
  }
  if (cloudProviders.length > 0) {
    lines.push(
      `its nodes are of a cloud (${cloudProviders.join(', ')}), whose controller may delete hollow nodes that are not Ready: the cloud does not know them`,
    );
  }
  const ended = endedPods + (survey.endedPodCount ?? 0);
  if (endedPods > 0 && ended > endedPodsMax) {
    lines.push(
      `${ended.toLocaleString('en-US')} pods will have ended, those of Jobs of this run included: above ${endedPodsMax.toLocaleString('en-US')} (by default) the cluster deletes the oldest, whoever's they are`,
    );
  }
  return lines;
}

/** `run a lives: 2 nodes, 10 pods`. */
export function runText({ runId, living, objects, silentMs }: FoundRun): string {
  const silent = silentMs === undefined ? '' : `, last sign of life ${durationText(silentMs)} ago`;
  const state =
    living === undefined ? `may live${silent}` : living ? 'lives' : `no longer lives${silent}, and has left`;
  return `run ${runId} ${state}: ${countsText(countByKind(objects))}`;
}

function count(value: number | undefined): string {
  return value === undefined ? unknown : value.toLocaleString('en-US');
}

/** ` hollow-1 … hollow-9`: the first and the last of them. */
function range(names: readonly string[]): string {
  const [first, last] = [names[0], names.at(-1)];
  if (first === undefined) return '';
  return first === last ? ` ${first}` : ` ${first} … ${last ?? ''}`;
}
