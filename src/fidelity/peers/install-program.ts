import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import type { Reporter } from '../../base/reporter.ts';
import { cacheRoot, fillCache, findOrFill, readCached } from '../../control-plane/sources/cache.ts';
import { buildGoProgram, buildRecipe } from '../../control-plane/sources/go-build.ts';
import type { GoProgram } from '../../control-plane/sources/go-program.ts';
import { thisPlatform } from '../../control-plane/sources/platform.ts';
import type { ChildRegister } from '../../journal/guardian.ts';

export type InstallOptions = {
  reporter: Reporter;
  signal: AbortSignal;
  children: ChildRegister;
  /** The environment to read PATH, HOLLOWMARK_CACHE… from; the process's own when absent. */
  env?: Readonly<Record<string, string | undefined>>;
  clock?: Clock;
};

/**
 * The path of a program from the cache, into which it is built from its Go module when it is not there.
 * @throws HollowmarkError `cluster-unavailable` when it cannot be built, `interrupted`.
 */
export async function installProgram(program: GoProgram, options: InstallOptions): Promise<string> {
  const { reporter, signal, children, env = process.env, clock = systemClock } = options;
  const root = cacheRoot(env, 'peers');
  const recipe = await buildRecipe(program);
  const key = `${program.name}-${thisPlatform.os}-${thisPlatform.arch}-${recipe}`;
  const read = ({ dir }: { dir: string }): Promise<string | undefined> => executable(join(dir, program.name));
  const onWait = (holder: { pid: number }): void =>
    reporter.step(`Waiting for another run (pid ${holder.pid}) that builds ${program.title}`);
  const build = async (dir: string): Promise<{ version: string; origin: string }> => {
    await buildGoProgram(dir, program, { reporter, signal, clock, env, children });
    return { version: program.kubernetesVersion ?? recipe, origin: 'built from Go modules' };
  };
  try {
    return await findOrFill(
      root,
      key,
      { clock, signal, onWait },
      () => readCached(root, key, read),
      () => fillCache(root, key, read, build),
    );
  } catch (cause) {
    if (signal.aborted) {
      throw new HollowmarkError('interrupted', `building ${program.title} was interrupted`, { cause });
    }
    if (cause instanceof HollowmarkError) throw cause;
    throw new HollowmarkError(
      'cluster-unavailable',
      `${program.title} cannot be built: ${errorMessage(cause)}`,
      {
        hint: 'install Go 1.26 or newer (https://go.dev/dl) and see that it reaches a Go module proxy: `go env GOPROXY`',
        cause,
      },
    );
  }
}

async function executable(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}
