import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { componentNames, perComponent } from '../components.ts';
import { type BinarySet, readVersion } from './binary-set.ts';

/**
 * The four binaries in PATH, when the three of Kubernetes are of the wanted version: whoever has others in PATH
 * did not put them there for Hollowmark.
 * @returns the set, or why there is none.
 */
export async function fromPath(
  pathVariable: string,
  version: string,
  signal: AbortSignal,
): Promise<BinarySet | string> {
  const found = perComponent(() => '');
  const missing: string[] = [];
  for (const name of componentNames) {
    const program = await findProgram(pathVariable, name);
    if (program === undefined) missing.push(name);
    else found[name] = program;
  }
  if (missing.length > 0) return `not in PATH: ${missing.join(', ')}`;
  for (const name of componentNames) {
    if (name === 'etcd') continue;
    try {
      const actual = await readVersion([found[name]], signal);
      if (actual !== version) return `${found[name]} is ${actual}`;
    } catch (error) {
      signal.throwIfAborted();
      return (error as Error).message;
    }
  }
  const command = perComponent((name) => [found[name]]);
  return { version, source: 'PATH', dir: dirname(found['kube-apiserver']), command };
}

async function findProgram(pathVariable: string, name: string): Promise<string | undefined> {
  for (const dir of pathVariable.split(delimiter)) {
    // A relative entry would mean another program after a change of folder.
    if (!isAbsolute(dir)) continue;
    const program = join(dir, name);
    try {
      await access(program, constants.X_OK);
      return program;
    } catch {
      // Not here.
    }
  }
  return undefined;
}
