import { execFile } from 'node:child_process';
import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../base/errors.ts';
import { componentNames, perComponent } from '../components.ts';
import type { ComponentName } from '../control-plane.ts';
import type { CacheEntry } from './cache.ts';

/** The programs of one control plane, ready to be run. */
export type BinarySet = {
  /** As `kube-apiserver --version` says: `v1.36.3`. */
  version: string;
  /** For people and results: `cache (built from Go modules)`. */
  source: string;
  dir: string;
  /** How each component is called: its program and, for the multi-call binary, its name. */
  command: Record<ComponentName, string[]>;
};

/** The binary of `binary/main.go`: its first argument picks the component. */
export const multiCallName = 'control-plane';

/** Longest wait for `--version`: a cold 125 MB binary on a slow disk takes some seconds. */
const versionTimeoutMs = 30_000;

/** How each component in a folder is called, or why it cannot be. */
export type FolderContents = {
  command: Partial<Record<ComponentName, string[]>>;
  missing: ComponentName[];
  /** Files that are there but cannot be run. */
  notExecutable: string[];
};

/** Looks for the four binaries and the multi-call one in `dir`; a component's own binary wins. */
export async function inspectFolder(dir: string): Promise<FolderContents> {
  const contents: FolderContents = { command: {}, missing: [], notExecutable: [] };
  const multiCall = join(dir, multiCallName);
  const multiCallState = await fileState(multiCall);
  if (multiCallState === 'not executable') contents.notExecutable.push(multiCall);
  for (const name of componentNames) {
    const own = join(dir, name);
    const state = await fileState(own);
    if (state === 'executable') contents.command[name] = [own];
    else if (multiCallState === 'executable') contents.command[name] = [multiCall, name];
    else contents.missing.push(name);
    if (state === 'not executable') contents.notExecutable.push(own);
  }
  return contents;
}

/** All four commands of a folder, or `undefined` when one is missing. */
export function completeCommand(contents: FolderContents): Record<ComponentName, string[]> | undefined {
  if (contents.missing.length > 0) return undefined;
  return perComponent((name) => contents.command[name] as string[]);
}

/** A folder of the cache as a set of binaries; `undefined` when one is missing. */
export async function readBinarySet({ dir, version, origin }: CacheEntry): Promise<BinarySet | undefined> {
  const command = completeCommand(await inspectFolder(dir));
  return command && { version, source: `cache (${origin})`, dir, command };
}

/**
 * Asks a Kubernetes component for its version: `v1.36.3`.
 * @throws Error when it cannot be run or answers something else.
 */
export function readVersion(command: readonly string[], signal: AbortSignal): Promise<string> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    execFile(
      program as string,
      [...args, '--version'],
      { timeout: versionTimeoutMs, signal, encoding: 'utf8' },
      (error, stdout, stderr) => {
        const version = /^Kubernetes (v\S+)/m.exec(stdout)?.[1];
        if (error !== null) {
          const said = stderr.trim().split('\n').at(-1) ?? '';
          const why = said === '' ? (errorMessage(error).split('\n')[0] ?? '') : said.slice(0, 200);
          reject(new Error(`${program} --version fails: ${why}`, { cause: error }));
        } else if (version === undefined) {
          reject(
            new Error(`${program} --version answers "${stdout.trim().slice(0, 200)}", not "Kubernetes v…"`),
          );
        } else {
          resolve(version);
        }
      },
    );
  });
}

async function fileState(path: string): Promise<'missing' | 'not executable' | 'executable'> {
  try {
    if (!(await stat(path)).isFile()) return 'missing';
  } catch {
    return 'missing';
  }
  try {
    await access(path, constants.X_OK);
    return 'executable';
  } catch {
    return 'not executable';
  }
}
