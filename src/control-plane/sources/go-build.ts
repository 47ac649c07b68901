import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Reporter } from '../../base/reporter.ts';
import { isOlder } from '../../base/versions.ts';
import type { ChildRegister } from '../../journal/guardian.ts';
import { defaultVersion } from '../control-plane.ts';
import { goModFor } from './go-module.ts';
import { type GoProgram, controlPlaneProgram } from './go-program.ts';
import { thisPlatform } from './platform.ts';
import { runCommand } from './run-command.ts';

/** How the Go tool is called; a part of the cache's key, so that a change of it builds anew. */
const buildFlags = ['-mod=mod', '-trimpath', '-buildvcs=false'];

export type GoBuildOptions = {
  reporter: Reporter;
  signal: AbortSignal;
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  children?: ChildRegister | undefined;
};

/**
 * The Go in PATH (`1.26.8`; undefined when it is missing or does not run) and the version that Kubernetes wants. Fetches nothing.
 */
export async function surveyGo(
  env: GoBuildOptions['env'],
  signal: AbortSignal,
): Promise<{ version: string | undefined; wanted: string }> {
  const wanted = await goWantedBy(controlPlaneProgram(defaultVersion).moduleDir);
  try {
    // Not in the module's folder: there an old Go would fetch a new one, or refuse.
    const output = await runCommand({
      program: 'go',
      args: ['env', 'GOVERSION'],
      cwd: tmpdir(),
      env: { ...env, GOTOOLCHAIN: 'local' },
      signal,
    });
    return { version: output.trim().replace(/^go/, ''), wanted };
  } catch {
    signal.throwIfAborted();
    return { version: undefined, wanted };
  }
}

/** Names all that decides what {@link buildGoProgram} makes: 8 hex digits of a SHA-256. */
export async function buildRecipe(program: GoProgram): Promise<string> {
  const { kubernetesVersion = '' } = program;
  const words = [program.package, kubernetesVersion, program.linkerFlags, ...buildFlags];
  const hash = createHash('sha256').update(words.join('\n'));
  for (const name of program.files) hash.update(await readFile(join(program.moduleDir, name)));
  return hash.digest('hex').slice(0, 8);
}

/**
 * Builds a program into `dir` from Go modules: about 5 min and 2.3 GB of memory on two cores the first time for one of
 * Kubernetes, seconds when Go's own cache is warm.
 * @throws Error that says which step failed and what Go said.
 */
export async function buildGoProgram(
  dir: string,
  program: GoProgram,
  options: GoBuildOptions,
): Promise<void> {
  // Inside of `dir`, so that it goes away with it whatever happens.
  const moduleDir = join(dir, 'module');
  await mkdir(moduleDir);
  const started = startTicking(options);
  try {
    await requireGo(dir, options);
    await writeModule(moduleDir, program, options);
    await requireGoVersion(moduleDir, program, options);
    options.reporter.step(`Building ${program.title} from Go modules (${program.duration}, once)`);
    const total = await countPackages(moduleDir, program, started, options);
    await compile(moduleDir, join(dir, program.name), program, total, started, options);
  } finally {
    started.stop();
    await rm(moduleDir, { recursive: true, force: true });
  }
}

/** Repeats the current progress text with the time that has passed, so that one sees that it goes on. */
type Ticking = { show: (text: string, fraction?: number) => void; stop: () => void };

const tickIntervalMs = 1_000;

function startTicking(options: GoBuildOptions): Ticking {
  const { clock, reporter } = options;
  const startUs = clock.nowUs();
  let current: { text: string; fraction: number | undefined } | undefined;
  const report = (): void => {
    if (current === undefined) return;
    const seconds = Math.round((clock.nowUs() - startUs) / 1e6);
    const elapsed = `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
    reporter.progress(`${current.text}, ${elapsed}`, current.fraction);
  };
  const tick = (): void => {
    report();
    timer = clock.timer(tickIntervalMs, tick);
  };
  let timer = clock.timer(tickIntervalMs, tick);
  return {
    show: (text, fraction) => {
      current = { text, fraction };
    },
    stop: () => timer.cancel(),
  };
}

async function requireGo(cwd: string, options: GoBuildOptions): Promise<void> {
  try {
    await go(['version'], cwd, { ...options, local: true });
  } catch (cause) {
    options.signal.throwIfAborted();
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const text = missing
      ? 'Go is not installed (no `go` in PATH)'
      : `Go does not run: ${errorMessage(cause)}`;
    throw new Error(text, { cause });
  }
}

/** The version in a go.mod: `1.26.0`. */
async function goWantedBy(moduleDir: string): Promise<string> {
  return /^go (\S+)$/m.exec(await readFile(join(moduleDir, 'go.mod'), 'utf8'))?.[1] ?? '';
}

/** Where GOTOOLCHAIN allows it, Go fetches the version that go.mod wants by itself. */
async function requireGoVersion(
  moduleDir: string,
  program: GoProgram,
  options: GoBuildOptions,
): Promise<void> {
  const wanted = await goWantedBy(moduleDir);
  const actual = (await go(['env', 'GOVERSION'], moduleDir, options)).trim().replace(/^go/, '');
  if (isOlder(actual, wanted)) {
    throw new Error(`Go ${actual} is installed, and ${program.title} needs ${wanted} or newer`);
  }
}

async function writeModule(moduleDir: string, program: GoProgram, options: GoBuildOptions): Promise<void> {
  for (const name of program.files) await copyFile(join(program.moduleDir, name), join(moduleDir, name));
  const version = program.kubernetesVersion;
  if (version === undefined) return;
  options.reporter.step(`Asking the Go module proxy what Kubernetes ${version} is made of`);
  const module = `k8s.io/kubernetes@${version}`;
  const answer = await go(['mod', 'download', '-json', module], moduleDir, options);
  const { GoMod } = JSON.parse(answer) as { GoMod?: string };
  if (GoMod === undefined) throw new Error(`the Go module proxy names no go.mod for ${module}`);
  await writeFile(join(moduleDir, 'go.mod'), goModFor(version, await readFile(GoMod, 'utf8')));
}

/** Fetches the modules on the way: Go does so before it can list the packages. */
async function countPackages(
  moduleDir: string,
  program: GoProgram,
  ticking: Ticking,
  options: GoBuildOptions,
): Promise<number> {
  let modules = 0;
  ticking.show('Fetching Go modules');
  const packages = await go(['list', '-mod=mod', '-deps', program.package], moduleDir, {
    ...options,
    onErrorLine: (line) => {
      if (line.startsWith('go: downloading ')) ticking.show(`Fetching Go modules: ${++modules}`);
    },
  });
  return packages.trim().split('\n').length;
}

async function compile(
  moduleDir: string,
  output: string,
  program: GoProgram,
  packagesTotal: number,
  ticking: Ticking,
  options: GoBuildOptions,
): Promise<void> {
  let packages = 0;
  ticking.show('Compiling');
  const flags = ['-v', ...buildFlags, '-ldflags', program.linkerFlags, '-o', output];
  const args = ['build', ...flags, program.package];
  await go(args, moduleDir, {
    ...options,
    // -v names each package that is compiled; those in Go's cache are passed over.
    onErrorLine: (line) => {
      if (/\s/.test(line)) return;
      packages = Math.min(packages + 1, packagesTotal);
      ticking.show(`Compiling: ${packages} of ${packagesTotal} packages`, packages / packagesTotal);
    },
  });
}

type GoOptions = GoBuildOptions & { onErrorLine?: (line: string) => void; local?: boolean };

function go(args: string[], cwd: string, options: GoOptions): Promise<string> {
  return runCommand({
    program: 'go',
    args,
    cwd,
    // For this machine, whatever the user builds for otherwise; static; without a go.work of the user's.
    env: {
      ...options.env,
      GOOS: thisPlatform.os,
      GOARCH: thisPlatform.arch,
      CGO_ENABLED: '0',
      GOWORK: 'off',
      ...(options.local === true ? { GOTOOLCHAIN: 'local' } : {}),
    },
    signal: options.signal,
    children: options.children,
    ...(options.onErrorLine === undefined ? {} : { onErrorLine: options.onErrorLine }),
  });
}
