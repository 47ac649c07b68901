import { dirname, resolve } from 'node:path';
import { errorMessage } from '../base/errors.ts';
import { type InputKind, readInputFile } from '../base/input-file.ts';
import { nearest } from '../base/nearest.ts';
import type { RuntimeSettings } from '../hollow/runtime/node-runtimes.ts';
import {
  type RuntimeProfile,
  defaultRuntime,
  loadRuntimeProfile,
  parseRuntimeProfile,
  runtimeNames,
} from '../hollow/runtime/runtime-profile.ts';
import type { RuntimeClassPlan } from '../load/runtime-class.ts';
import type { ScenarioDocument } from './compile.ts';
import { type Fault, alternatives, describeValue } from './file/fault.ts';
import { type ScenarioPath, formatPath } from './file/path.ts';
import { YamlSource } from './file/yaml-source.ts';
import type { Scenario } from './scenario.ts';
import { claimPods } from './workloads.ts';

const runtimeFile: InputKind = {
  name: 'runtime profile',
  bytesMax: 256 * 1024,
  hint: `name a file with a runtime profile (docs/runtimes.md says what stands in it), or one of ${runtimeNames.join(', ')}`,
};

/**
 * Finds the runtimes that the nodes of a document have. A file is read only once: its content is written into the
 * document, which from then on stands for itself.
 * @param file the scenario's own: other files are named from its folder.
 * @throws HollowmarkError `bad-input` when a file cannot be read.
 */
export function findRuntimes(
  document: ScenarioDocument,
  file: string,
): { runtimes: Record<string, RuntimeProfile>; faults: Fault[] } {
  const runtimes: Record<string, RuntimeProfile> = {};
  const faults: Fault[] = [];
  for (const { name, path } of runtimeUses(document)) {
    if (Object.hasOwn(runtimes, name)) continue;
    const own = Object.hasOwn(document.runtimes, name);
    if (!own && name.includes('/')) {
      const found = resolve(dirname(file), name);
      document.runtimes[name] = readRuntime(found);
    }
    try {
      if (Object.hasOwn(document.runtimes, name)) {
        const where = own ? formatPath(['runtimes', name]) : name;
        runtimes[name] = parseRuntimeProfile(document.runtimes[name], where);
      } else if (isShipped(name)) {
        runtimes[name] = loadRuntimeProfile(name);
      } else {
        faults.push(unknownRuntime(name, path, Object.keys(document.runtimes)));
      }
    } catch (error) {
      faults.push({ path: own ? ['runtimes', name] : path, at: 'value', message: errorMessage(error) });
    }
  }
  return { runtimes, faults };
}

/**
 * A runtime that comes with Hollowmark, by its name, or one's own, by the path of its file.
 * @throws HollowmarkError `bad-input` when the file cannot be read, or holds no runtime profile.
 */
export function findRuntime(nameOrPath: string): RuntimeProfile {
  return isShipped(nameOrPath)
    ? loadRuntimeProfile(nameOrPath)
    : parseRuntimeProfile(readRuntime(nameOrPath), nameOrPath);
}

function readRuntime(path: string): unknown {
  return new YamlSource(readInputFile(path, runtimeFile), path).data;
}

function runtimeUses({ nodes }: ScenarioDocument): { name: string; path: ScenarioPath }[] {
  const groups = nodes.groups.flatMap(({ runtime }, i) =>
    runtime === undefined ? [] : [{ name: runtime, path: ['nodes', 'groups', i, 'runtime'] }],
  );
  return [{ name: nodes.runtime ?? defaultRuntime, path: ['nodes', 'runtime'] }, ...groups];
}

function isShipped(name: string): boolean {
  return (runtimeNames as readonly string[]).includes(name);
}

function unknownRuntime(name: string, path: ScenarioPath, own: readonly string[]): Fault {
  const known = [...runtimeNames, ...own];
  const near = nearest(name, known);
  const suggestion = near === undefined ? '' : `; did you mean "${near}"?`;
  return {
    path,
    at: 'value',
    message: `${formatPath(path)} must be a runtime, not ${describeValue(name)}${suggestion}`,
    hint: `runtimes: ${alternatives(known)}; or a file, such as ./${name}.json`,
  };
}

/** What the scenario's nodes are told of runtimes and images. */
export function runtimeSettings({ runtimes, images, phases }: Scenario): RuntimeSettings {
  const ofLoad = phases.flatMap((phase) => {
    if ('image' in phase) return [phase.image];
    return phase.type === 'create-volume-claims' && phase.pods ? [claimPods.image] : [];
  });
  const names = new Set([...ofLoad, ...Object.keys(images)]);
  const isPresent = (name: string): boolean => {
    const { present, fails } = images[name] ?? {};
    return present ?? (fails === undefined && ofLoad.includes(name));
  };
  return { profiles: runtimes, images, presentImages: [...names].filter(isPresent) };
}

/** RuntimeClasses of the runtimes that nodes have. */
export function runtimeClasses({ runtimes }: Pick<Scenario, 'runtimes'>): RuntimeClassPlan[] {
  return Object.values(runtimes).flatMap(({ name, runtimeClass }) =>
    runtimeClass === undefined
      ? []
      : [{ name, handler: runtimeClass.handler, overhead: runtimeClass.overhead }],
  );
}

/** What a reader must know of the runtimes to read the figures of a run with them. */
export function runtimeNotes({ runtimes }: Pick<Scenario, 'runtimes'>): string[] {
  return Object.entries(runtimes)
    .filter(([, { estimates }]) => estimates.includes('sandboxMs') || estimates.includes('startMs'))
    .map(
      ([name]) =>
        `The times of the container runtime ${name} are estimates, not measurements: startup shows what the control plane adds to them.`,
    );
}
