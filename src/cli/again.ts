import { resolve } from 'node:path';
import { HollowmarkError } from '../base/errors.ts';
import { type Machine, thisMachine } from '../base/machine.ts';
import { tool } from '../base/package-info.ts';
import { shownUrl } from '../base/shown-url.ts';
import type { FlagProfile } from '../control-plane/control-plane.ts';
import { wireProfileNames } from '../hollow/wire-profile.ts';
import { readResult, resultFileAt } from '../result/read.ts';
import type { Invocation, RunResult } from '../result/result.ts';
import { type LoadedScenario, parseScenario } from '../scenario/load-scenario.ts';
import { wireFormats } from '../wire/codec.ts';
import {
  type ClusterFlags,
  type ScenarioFlags,
  checkedBinaries,
  flagProfiles,
  identityModes,
  nodeIdentityOf,
  overridesOf,
} from './options.ts';

/** What a result remembers of the flags. @param profile the scenario's flag profile. */
export function invocationOf(flags: ClusterFlags, profile: FlagProfile): Invocation {
  const nodes = { profile: flags.profile ?? wireProfileNames[0] };
  const identity = nodeIdentityOf(flags);
  // Where an existing cluster is follows from what the kubeconfig led to.
  if (flags.kubeconfig !== undefined) {
    return { ...nodes, ...(identity === undefined ? {} : { identity }) };
  }
  const { version, binariesDir } = checkedBinaries(flags);
  return {
    kubernetesVersion: version,
    flags: flags.flags ?? profile,
    ...nodes,
    identity: identity ?? identityModes[0],
    ...(binariesDir === undefined ? {} : { binaries: resolve(binariesDir) }),
    ...(flags.releaseUrl === undefined ? {} : { releaseUrl: shownUrl(flags.releaseUrl) }),
  };
}

/** What an earlier run says about how to do it again. */
export type Earlier = {
  loaded: LoadedScenario;
  /** The flags of the earlier run, where no others are given now. */
  flags: ClusterFlags;
  /** Why the figures may differ although the plan does not. */
  warnings: string[];
};

/**
 * Reads the scenario and the flags of an earlier run from its result.
 * @param path its folder or its result.json.
 * @throws HollowmarkError `bad-input` when there is no result that this version reads, or nothing that it can run.
 */
export function readEarlier<T extends ClusterFlags & ScenarioFlags>(path: string, flags: T): Earlier {
  const result = readResult(path);
  const file = `${resultFileAt(path)}: $.run.parameters`;
  const text = JSON.stringify(result.run.parameters, undefined, 2);
  const then = result.run.invocation;
  if (then === undefined) {
    throw new HollowmarkError('bad-input', `${resultFileAt(path)}: $.run.invocation is missing`, {
      hint: 'run its scenario file instead: the result does not say with which flags it ran',
    });
  }
  const known = <C extends string>(
    flag: string,
    value: string | undefined,
    choices: readonly C[],
    where = `run.invocation.${flag}`,
  ): C | undefined => {
    if (value === undefined) return undefined;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw new HollowmarkError(
      'bad-input',
      `${resultFileAt(path)}: $.${where} is ${JSON.stringify(value)}, which this version does not have`,
      { hint: `name another with --${flag} ${choices.join('|')}` },
    );
  };
  // Flags of a control plane of our own take the run there, wherever it was.
  const ownNow = [flags.kubernetesVersion, flags.binaries, flags.releaseUrl, flags.flags].some(
    (value) => value !== undefined,
  );
  const kubeconfig = flags.kubeconfig ?? (ownNow ? undefined : then.kubeconfig);
  const onSameKind = (kubeconfig === undefined) === (then.kubeconfig === undefined);
  const onSameCluster = kubeconfig !== undefined && flags.kubeconfig === undefined;
  return {
    loaded: parseScenario(text, file, overridesOf(flags)),
    flags: {
      ...flags,
      ...(kubeconfig === undefined
        ? {
            kubernetesVersion: flags.kubernetesVersion ?? then.kubernetesVersion,
            binaries: flags.binaries ?? then.binaries,
            releaseUrl: flags.releaseUrl ?? then.releaseUrl,
            flags: flags.flags ?? known('flags', then.flags, flagProfiles),
          }
        : {}),
      profile: flags.profile ?? known('profile', then.profile, wireProfileNames),
      wire: flags.wire ?? known('wire', result.wire.codec, wireFormats, 'wire.codec'),
      identity: flags.identity ?? (onSameKind ? known('identity', then.identity, identityModes) : undefined),
      kubeconfig,
      context: flags.context ?? (onSameCluster ? then.context : undefined),
      server: onSameCluster ? then.server : undefined,
    },
    warnings: differences(result, thisMachine()),
  };
}

function differences(result: RunResult, machine: Machine): string[] {
  const found: string[] = [];
  const compare = (what: string, then: unknown, now: unknown): void => {
    if (then !== now) found.push(`${what} was ${String(then)} then and is ${String(now)} now`);
  };
  compare('the version of Hollowmark', result.tool.version, tool.version);
  compare('the version of Node.js', result.tool.node, process.version);
  for (const [key, name] of [
    ['os', 'the operating system'],
    ['kernel', 'the kernel'],
    ['arch', 'the architecture'],
    ['cpuModel', 'the CPU'],
    ['cpuCount', 'the number of CPUs'],
    ['memoryBytes', 'the memory in bytes'],
  ] as const) {
    compare(name, result.machine[key], machine[key]);
  }
  return found;
}
