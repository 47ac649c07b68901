import { randomBytes } from 'node:crypto';
import type { Argv } from 'yargs';
import { systemClock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import type { IdentityMode } from '../cluster/cluster.ts';
import {
  type BinariesOptions,
  type FlagProfile,
  defaultVersion,
  officialReleaseUrl,
} from '../control-plane/control-plane.ts';
import { checkReleaseUrl, checkVersion } from '../control-plane/sources/find-binaries.ts';
import { type WireProfileName, wireProfile, wireProfileNames } from '../hollow/wire-profile.ts';
import type { ScenarioOverrides } from '../scenario/load-scenario.ts';
import { type WireFormat, wireFormats } from '../wire/codec.ts';

/** The values of `--flags`. */
export const flagProfiles: readonly FlagProfile[] = ['default', 'scale'];
export const identityModes = [
  'certificate',
  'impersonation',
  'pooled',
] as const satisfies readonly IdentityMode[];

/** undefined: not given, so that `run --again` can tell. */
export type ControlPlaneFlags = {
  kubernetesVersion: string | undefined;
  binaries: string | undefined;
  releaseUrl: string | undefined;
};

/** Flags that say where the control plane's binaries come from. */
export function binariesOptions<T>(yargs: Argv<T>): Argv<T & ControlPlaneFlags> {
  return yargs
    .option('kubernetes-version', {
      type: 'string',
      defaultDescription: defaultVersion,
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
      defaultDescription: officialReleaseUrl,
      describe: 'Release site to download binaries from',
      group: 'Control plane:',
      requiresArg: true,
    }) as unknown as Argv<T & ControlPlaneFlags>;
}

export type ClusterFlags = ControlPlaneFlags & {
  flags: FlagProfile | undefined;
  profile: WireProfileName | undefined;
  wire: WireFormat | undefined;
  identity: IdentityMode | undefined;
  kubeconfig: string | undefined;
  context: string | undefined;
  /** Not a flag: the server of the run that is done again; another one will not do. */
  server?: string | undefined;
  yes: boolean;
  skipPreflight: boolean;
};

/** Flags of commands that run hollow nodes on a control plane. */
export function clusterOptions<T>(yargs: Argv<T>): Argv<T & ClusterFlags> {
  return binariesOptions(yargs)
    .option('flags', {
      type: 'string',
      choices: flagProfiles,
      describe: "Control-plane flags: Kubernetes' own defaults, or raised limits (default: the scenario's)",
      group: 'Control plane:',
      requiresArg: true,
    })
    .option('profile', {
      type: 'string',
      choices: wireProfileNames,
      defaultDescription: wireProfileNames[0],
      describe: "What hollow nodes send: a real node's, kubemark's, or as little as will do (not comparable)",
      group: 'Hollow nodes:',
      requiresArg: true,
    })
    .option('wire', {
      type: 'string',
      choices: wireFormats,
      defaultDescription: wireFormats[0],
      describe: 'How hollow nodes write objects, and ask for them',
      group: 'Hollow nodes:',
      requiresArg: true,
    })
    .option('identity', {
      type: 'string',
      choices: identityModes,
      defaultDescription: 'certificate, or what a cluster of --kubeconfig allows',
      describe: 'How hollow nodes prove who they are',
      group: 'Hollow nodes:',
      requiresArg: true,
    })
    .option('kubeconfig', {
      type: 'string',
      describe: 'Use the cluster of this kubeconfig instead of starting one',
      group: 'Existing cluster:',
      requiresArg: true,
      conflicts: ['kubernetes-version', 'binaries', 'release-url', 'flags'],
    })
    .option('context', {
      type: 'string',
      describe: 'Context of the kubeconfig (default: its current one)',
      group: 'Existing cluster:',
      requiresArg: true,
      implies: 'kubeconfig',
    })
    .option('yes', {
      type: 'boolean',
      default: false,
      describe: 'This is the right cluster: put hollow nodes and load on it',
      group: 'Existing cluster:',
    })
    .option('skip-preflight', {
      type: 'boolean',
      default: false,
      describe: 'Start even where this machine lacks what the run needs (see hollowmark doctor)',
    }) as unknown as Argv<T & ClusterFlags>;
}

/**
 * How hollow nodes prove who they are, as far as the flags say: those that share connections share an identity.
 * @throws HollowmarkError `bad-input` when the flags contradict each other.
 */
export function nodeIdentityOf({
  identity,
  profile,
}: Pick<ClusterFlags, 'identity' | 'profile'>): IdentityMode | undefined {
  if (!wireProfile(profile).pooled) return identity;
  if (identity === undefined || identity === 'pooled') return 'pooled';
  throw new HollowmarkError(
    'bad-input',
    `--profile ${profile} has one identity for all nodes, and --identity says ${identity}`,
    { hint: 'leave --identity out, or take another profile' },
  );
}

/** Where the binaries come from, checked. @throws HollowmarkError `bad-input`. */
export function checkedBinaries(
  flags: ControlPlaneFlags,
): Pick<BinariesOptions, 'version' | 'binariesDir' | 'releaseUrl'> {
  return {
    version: checkVersion(flags.kubernetesVersion ?? defaultVersion),
    binariesDir: flags.binaries,
    releaseUrl: checkReleaseUrl(flags.releaseUrl ?? officialReleaseUrl),
  };
}

/** `20261121-052107-quickstart-3f9c`: sorts by time, names a folder, a label value and a namespace's part. */
export function newRunId(scenario: string): string {
  const iso = new Date(systemClock.wallMs()).toISOString();
  const time = `${iso.slice(0, 10).replaceAll('-', '')}-${iso.slice(11, 19).replaceAll(':', '')}`;
  return `${time}-${scenario.slice(0, 32)}-${randomBytes(2).toString('hex')}`;
}

export type ScenarioFlags = {
  scenario: string | undefined;
  nodes: number | undefined;
  set: string[] | undefined;
  seed: string | undefined;
};

/** The scenario file and what changes it, of the commands that take one. */
export function scenarioOptions<T>(yargs: Argv<T>): Argv<T & ScenarioFlags> {
  return (
    yargs
      // `<scenario>` in a command demands it, `[scenario]` does not.
      .positional('scenario', { type: 'string', describe: 'A scenario file (YAML)' })
      .option('nodes', {
        type: 'number',
        describe: 'Hollow nodes, instead of nodes.count',
        requiresArg: true,
      })
      .option('set', {
        type: 'string',
        array: true,
        nargs: 1,
        describe: 'Change one value of the scenario: path=value (repeatable)',
      })
      .option('seed', { type: 'string', describe: 'Seed of all decisions', requiresArg: true })
  );
}

/** How the flags change a scenario. @throws HollowmarkError `bad-input`. */
export function overridesOf(flags: ScenarioFlags): ScenarioOverrides {
  const nodes = positiveInteger('--nodes', flags.nodes);
  return {
    ...(nodes === undefined ? {} : { nodes }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    sets: flags.set ?? [],
  };
}

/** A whole number of at least 1, or one clear error. */
export function positiveInteger(flag: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new HollowmarkError('bad-input', `${flag}: needs a whole number of at least 1`);
  }
  return value;
}

/** A port to listen on, 0 for any, or one clear error. */
export function portNumber(flag: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new HollowmarkError('bad-input', `${flag}: needs a port, 1 to 65535, or 0 for any that is free`);
}
