import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { HollowmarkError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import { packageRoot } from '../../base/package-info.ts';
import { type Distribution, distributionFault } from './distribution.ts';

/** That of nodes of which nothing else is said. */
export const defaultRuntime = 'containerd';

/** The runtimes that come with Hollowmark: a data file each, in `profiles/`. */
export const runtimeNames = ['containerd', 'cri-o', 'docker', 'rkt', 'hyper', 'windows'] as const;

/** How long a fake container runtime takes for things, and what its node says of itself. */
export type RuntimeProfile = {
  name: string;
  /** As in node status: `containerd://1.6.20`. */
  version: string;
  /** As in nodeInfo. */
  system: { operatingSystem: 'linux' | 'windows'; osImage: string; kernelVersion: string };
  /** Taints that its nodes have beside the scenario's. */
  taints: { key: string; value?: string; effect: string }[];
  /** Whether the kernel kills a container that exceeds its memory limit. */
  oomKills: boolean;
  /**
   * For a runtime that runs only pods of a RuntimeClass: what that class says, and the runtime of its nodes' other pods.
   * The class has the profile's name.
   */
  runtimeClass?: { handler: string; overhead: { cpu: string; memory: string }; host: string };
  /** On the node from the start, by their full names. */
  images: { names: string[]; sizeBytes: number }[];
  /** The fields below that nobody measured. */
  estimates: string[];
} & Figures;

/** Durations are those of work with the machine to itself. */
type Figures = {
  /** How many sandbox, create, start and stop operations run at full speed together; more share that speed. */
  parallelOperations: number;
  /** From seeing a pod to the request for its service account token. */
  tokenRequestMs: Distribution;
  /** The kubelet looks at a pod's volumes this often, the first time one period after it saw the pod. */
  volumesPollMs: number;
  sandboxMs: Distribution;
  createMs: Distribution;
  startMs: Distribution;
  /** How long an init container runs before it exits with 0. */
  initContainerRunMs: Distribution;
  stopMs: Distribution;
  /** From the containers' end to the pod's DELETE: volumes, sandbox, cgroup. Not shared work: polling. */
  cleanupMs: Distribution;
  /** Fetching and unpacking, of all pulls together. */
  pullBytesPerSecond: number;
  /** Before the first byte of a pull: resolving the name, the manifest. */
  pullOverheadMs: Distribution;
  /** 1: one after the other, which is the kubelet's default. */
  maxParallelPulls: number;
  /** Of so many attempts, 0 to 1, this part fails. */
  sandboxFailureRate: number;
  createFailureRate: number;
  startFailureRate: number;
  pullFailureRate: number;
};

/** A profile as it is written: figures apart, each with what is known of it. What it `extends` has all the rest. */
type ProfileFile = Partial<Omit<RuntimeProfile, keyof Figures | 'estimates'>> & {
  extends?: string;
  figures?: { [name: string]: Distribution & { value?: number; source?: string; estimate?: boolean } };
};

const schemaPath = join(packageRoot, 'scenarios', 'runtime.schema.json');
let validator: ValidateFunction<ProfileFile> | undefined;

/** @param name one of {@link runtimeNames}. */
export function loadRuntimeProfile(name: string): RuntimeProfile {
  const url = new URL(`profiles/${name}.json`, import.meta.url);
  return parseRuntimeProfile(JSON.parse(readFileSync(url, 'utf8')), `the runtime ${name}`);
}

/**
 * Makes a profile of what was read from a file.
 * @param where what to call it in messages.
 * @throws HollowmarkError `bad-input` with the path of what is wrong.
 */
export function parseRuntimeProfile(data: unknown, where: string): RuntimeProfile {
  const fault = (path: string, reason: string, hint?: string): HollowmarkError =>
    new HollowmarkError('bad-input', `${where}: ${path}${path === '' ? '' : ' '}${reason}`, {
      ...(hint === undefined ? {} : { hint }),
    });
  validator ??= new Ajv({ verbose: true }).compile<ProfileFile>(
    JSON.parse(readFileSync(schemaPath, 'utf8')) as object,
  );
  if (!validator(data)) {
    const [path, reason, hint] = schemaFault(validator.errors?.[0]);
    throw fault(path, reason, hint);
  }
  const { extends: base, figures = {}, ...own } = data;
  const merged: Record<string, unknown> = {
    taints: [],
    oomKills: true,
    images: [],
    ...(base === undefined ? {} : loadRuntimeProfile(base)),
    ...own,
  };
  const estimates = new Set((merged['estimates'] ?? []) as string[]);
  for (const [name, { value, source: _, estimate, ...distribution }] of Object.entries(figures)) {
    const wrong = value === undefined ? oneDistributionFault(distribution) : undefined;
    if (wrong !== undefined) throw fault(`figures.${name}`, `cannot be sampled: ${wrong}`);
    merged[name] = value ?? distribution;
    if (estimate === true) estimates.add(name);
    else estimates.delete(name);
  }
  const missing = required.find((name) => merged[name] === undefined);
  if (missing !== undefined) {
    throw fault('', `has no ${missing}`, 'take what is not given from a runtime: extends: containerd');
  }
  const profile = { ...merged, estimates: [...estimates] } as RuntimeProfile;
  // Where sizes are from is for who reads the file, not for the node's status.
  return { ...profile, images: profile.images.map(({ names, sizeBytes }) => ({ names, sizeBytes })) };
}

const required = [
  'name',
  'version',
  'system',
  'parallelOperations',
  'tokenRequestMs',
  'volumesPollMs',
  'sandboxMs',
  'createMs',
  'startMs',
  'initContainerRunMs',
  'stopMs',
  'cleanupMs',
  'pullBytesPerSecond',
  'pullOverheadMs',
  'maxParallelPulls',
  'sandboxFailureRate',
  'createFailureRate',
  'startFailureRate',
  'pullFailureRate',
] as const satisfies readonly (keyof RuntimeProfile)[];

function oneDistributionFault(distribution: Distribution): string | undefined {
  const shapes = Object.keys(distribution);
  if (shapes.length !== 1) {
    return `one of constant, uniform, normal, logNormal and empirical must be given, not ${shapes.length === 0 ? 'none' : shapes.join(' and ')}`;
  }
  return distributionFault(distribution);
}

function schemaFault(error: ErrorObject | undefined): [path: string, reason: string, hint?: string] {
  if (error === undefined) return ['', 'is no runtime profile'];
  const path = error.instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/');
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties') {
    const key = String(params['additionalProperty']);
    const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
    const near = nearest(key, known);
    const suggestion = near === undefined ? '' : `; did you mean "${near}"?`;
    return [path, `has an unknown key "${key}"${suggestion}`];
  }
  if (error.keyword === 'enum') {
    return [path, `must be one of ${(params['allowedValues'] as string[]).join(', ')}`];
  }
  return [path, error.message ?? 'does not fit the schema'];
}
