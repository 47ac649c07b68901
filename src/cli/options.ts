import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Argv } from 'yargs';
import { systemClock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { Reporter } from '../base/reporter.ts';
import {
  type BinariesOptions,
  type ControlPlaneOptions,
  type FlagProfile,
  officialReleaseUrl,
} from '../control-plane/control-plane.ts';
import { type LoadedScenario, loadScenario } from '../scenario/load-scenario.ts';

/** The version that the embedded control plane has unless told otherwise. */
export const defaultKubernetesVersion = 'v1.36.3';

export type ControlPlaneFlags = {
  kubernetesVersion: string;
  binaries: string | undefined;
  releaseUrl: string;
};

/** Flags that say where the control plane's binaries come from. */
export function binariesOptions<T>(yargs: Argv<T>): Argv<T & ControlPlaneFlags> {
  return yargs
    .option('kubernetes-version', {
      type: 'string',
      default: defaultKubernetesVersion,
      describe: 'Kubernetes version of the local control plane',
      group: 'Control plane:',
      requiresArg: true,
    })
    .option('binaries', {
      type: 'string',
      describe:
        'Folder with the control-plane binaries (default: $KUBEBUILDER_ASSETS, PATH, cache, download, build)',
      group: 'Control plane:',
      requiresArg: true,
    })
    .option('release-url', {
      type: 'string',
      default: officialReleaseUrl,
      describe: 'Release site to download binaries from',
      group: 'Control plane:',
      requiresArg: true,
    }) as unknown as Argv<T & ControlPlaneFlags>;
}

export type ClusterFlags = ControlPlaneFlags & {
  flags: string | undefined;
  profile: string;
  identity: string;
  skipPreflight: boolean;
};

/** Flags of commands that run hollow nodes on a control plane. */
export function clusterOptions<T>(yargs: Argv<T>): Argv<T & ClusterFlags> {
  return binariesOptions(yargs)
    .option('flags', {
      type: 'string',
      describe:
        "Control-plane flags: Kubernetes' own defaults, or raised limits: default|scale (default: the scenario's)",
      group: 'Control plane:',
      requiresArg: true,
    })
    .option('profile', {
      type: 'string',
      default: 'kubelet',
      describe: 'Wire profile of the hollow nodes: kubelet',
      group: 'Hollow nodes:',
      requiresArg: true,
    })
    .option('identity', {
      type: 'string',
      default: 'certificate',
      describe: 'How hollow nodes prove who they are: certificate',
      group: 'Hollow nodes:',
      requiresArg: true,
    })
    .option('skip-preflight', {
      type: 'boolean',
      default: false,
      describe: 'Start even where this machine lacks what the run needs (see hollowmark doctor)',
    }) as unknown as Argv<T & ClusterFlags>;
}

/** Where the binaries come from, checked. @throws HollowmarkError `bad-input`. */
export function checkedBinaries(
  flags: ControlPlaneFlags,
): Pick<BinariesOptions, 'version' | 'binariesDir' | 'releaseUrl'> {
  return {
    version: kubernetesVersion(flags.kubernetesVersion),
    binariesDir: flags.binaries,
    releaseUrl: httpUrl(flags.releaseUrl),
  };
}

/**
 * What a local control plane of its own needs, from flags; its state folder is new and private.
 * @param profile the flag profile unless `--flags` names one.
 * @throws HollowmarkError `bad-input` for a value that no flag has, or has not yet.
 */
export function controlPlaneOptions(
  flags: ClusterFlags,
  profile: FlagProfile,
  runId: string,
  reporter: Reporter,
  signal: AbortSignal,
): ControlPlaneOptions {
  available('--profile', flags.profile, ['kubelet'], ['kubemark', 'lite']);
  available('--identity', flags.identity, ['certificate'], ['impersonation', 'pooled']);
  return {
    ...checkedBinaries(flags),
    profile: available('--flags', flags.flags ?? profile, ['default', 'scale'], []),
    extraFlags: {},
    stateDir: join(stateRoot(), runId),
    reporter,
    signal,
  };
}

/** The folder in which each run has its state folder, one for each user. */
export function stateRoot(): string {
  // os.userInfo() fails for a user without an entry in passwd, as containers have them.
  return join(tmpdir(), `hollowmark-${process.getuid?.() ?? -1}`);
}

/** `20261121-052107-quickstart-3f9c`: sorts by time, names a folder, a label value and a namespace's part. */
export function newRunId(scenario: string): string {
  const iso = new Date(systemClock.wallMs()).toISOString();
  const time = `${iso.slice(0, 10).replaceAll('-', '')}-${iso.slice(11, 19).replaceAll(':', '')}`;
  return `${time}-${scenario.slice(0, 32)}-${randomBytes(2).toString('hex')}`;
}

function available<T extends string>(flag: string, value: string, now: readonly T[], later: string[]): T {
  const found = now.find((known) => known === value);
  if (found !== undefined) return found;
  const reason = later.includes(value) ? 'is not there yet' : 'is not a value of it';
  throw new HollowmarkError('bad-input', `${flag}: '${value}' ${reason}`, {
    hint: `use ${flag} ${now.join('|')}`,
  });
}

function kubernetesVersion(value: string): string {
  const match = /^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(value);
  if (match === null) {
    throw new HollowmarkError('bad-input', `--kubernetes-version: '${value}' is not a version`, {
      hint: `write it like ${defaultKubernetesVersion}`,
    });
  }
  return `v${match[1]}`;
}

function httpUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw new HollowmarkError('bad-input', `--release-url: '${value}' is not an http(s) URL`);
  }
  return value.replace(/\/+$/, '');
}

export type ScenarioFlags = {
  scenario: string;
  nodes: number | undefined;
  set: string[] | undefined;
  seed: string | undefined;
};

/** The scenario file and what changes it, of the commands that take one. */
export function scenarioOptions<T>(yargs: Argv<T>): Argv<T & ScenarioFlags> {
  return yargs
    .positional('scenario', { type: 'string', demandOption: true, describe: 'A scenario file (YAML)' })
    .option('nodes', { type: 'number', describe: 'Hollow nodes, instead of nodes.count', requiresArg: true })
    .option('set', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Change one value of the scenario: path=value (repeatable)',
    })
    .option('seed', { type: 'string', describe: 'Seed of all decisions', requiresArg: true });
}

/** Loads the scenario with the flags' changes. @throws HollowmarkError `bad-input`. */
export function loadScenarioWith(flags: ScenarioFlags): LoadedScenario {
  const nodes = positiveInteger('--nodes', flags.nodes);
  return loadScenario(flags.scenario, {
    ...(nodes === undefined ? {} : { nodes }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    sets: flags.set ?? [],
  });
}

/** A whole number of at least 1, or one clear error. */
export function positiveInteger(flag: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new HollowmarkError('bad-input', `${flag}: needs a whole number of at least 1`);
  }
  return value;
}
