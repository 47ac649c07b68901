import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import { packageRoot } from '../../base/package-info.ts';
import type { Reporter } from '../../base/reporter.ts';
import { isOlder } from '../../base/versions.ts';
import type { ChildRegister } from '../../journal/guardian.ts';
import { defaultVersion } from '../control-plane.ts';
import { multiCallName } from './binary-set.ts';
import { goModFor, linkerFlags } from './go-module.ts';
import { thisPlatform } from './platform.ts';
import { runCommand } from './run-command.ts';

/** The Go module that comes with this package. */
const bundledModuleDir = join(packageRoot, 'src', 'control-plane', 'binary');

/** How the Go tool is called; a part of the cache's key, so that a change of it builds anew. */
const buildFlags = ['-mod=mod', '-trimpath', '-buildvcs=false'];

export type GoBuildOptions = {
  /** `v1.36.3`. */
  version: string;
  reporter: Reporter;
  signal: AbortSignal;
  clock: Clock;
  env: Readonly<Record<string, string | undefined>>;
  children?: ChildRegister | undefined;
};

/**
 * The Go in PATH (`1.26.8`; undefined when it is missing or does not run) and the version that the bundled module
 * wants. Fetches nothing.
 */
export async function surveyGo(
  env: GoBuildOptions['env'],
  signal: AbortSignal,
): Promise<{ version: string | undefined; wanted: string }> {
  const wanted = await goWantedBy(bundledModuleDir);
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

/** Names all that decides what {@link buildFromGoModules} makes: 8 hex digits of a SHA-256. */
export async function buildRecipe(version: string): Promise<string> {
  const hash = createHash('sha256').update([version, linkerFlags(version), ...buildFlags].join('\n'));
  const files = version === defaultVersion ? ['main.go', 'go.mod', 'go.sum'] : ['main.go'];
  for (const name of files) hash.update(await readFile(join(bundledModuleDir, name)));
  return hash.digest('hex').slice(0, 8);
}

/**
 * Builds the multi-call binary `control-plane` into `dir` from Go modules: about 5 min and 2.3 GB of memory on two
 * cores the first time, seconds when Go's own cache is warm.
 * @throws Error that says which step failed and what Go said.
 */
export async function buildFromGoModules(dir: string, options: GoBuildOptions): Promise<void> {
  const { reporter, version } = options;
  // Inside of `dir`, so that it goes away with it whatever happens.
  const moduleDir = join(dir, 'module');
  await mkdir(moduleDir);
  const started = startTicking(options);
  try {
    await requireGo(dir, options);
    await writeModule(moduleDir, options);
    await requireGoVersion(moduleDir, options);
    reporter.step(`Building the control plane ${version} from Go modules (about 5 min on two cores, once)`);
    const total = await countPackages(moduleDir, started, options);
    await compile(moduleDir, join(dir, multiCallName), total, started, options);
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
async function requireGoVersion(moduleDir: string, options: GoBuildOptions): Promise<void> {
  const wanted = await goWantedBy(moduleDir);
  const actual = (await go(['env', 'GOVERSION'], moduleDir, options)).trim().replace(/^go/, '');
  if (isOlder(actual, wanted)) {
    throw new Error(`Go ${actual} is installed, and Kubernetes ${options.version} needs ${wanted} or newer`);
  }
}

async function writeModule(moduleDir: string, options: GoBuildOptions): Promise<void> {
  await copyFile(join(bundledModuleDir, 'main.go'), join(moduleDir, 'main.go'));
  if (options.version === defaultVersion) {
    for (const name of ['go.mod', 'go.sum']) {
      await copyFile(join(bundledModuleDir, name), join(moduleDir, name));
    }
    return;
  }
  options.reporter.step(`Asking the Go module proxy what Kubernetes ${options.version} is made of`);
  const module = `k8s.io/kubernetes@${options.version}`;
  const answer = await go(['mod', 'download', '-json', module], moduleDir, options);
  const { GoMod } = JSON.parse(answer) as { GoMod?: string };
  if (GoMod === undefined) throw new Error(`the Go module proxy names no go.mod for ${module}`);
  await writeFile(join(moduleDir, 'go.mod'), goModFor(options.version, await readFile(GoMod, 'utf8')));
}

/** Fetches the modules on the way: Go does so before it can list the packages. */
async function countPackages(moduleDir: string, ticking: Ticking, options: GoBuildOptions): Promise<number> {
  let modules = 0;
  ticking.show('Fetching Go modules');
  const packages = await go(['list', '-mod=mod', '-deps', '.'], moduleDir, {
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
  packagesTotal: number,
  ticking: Ticking,
  options: GoBuildOptions,
): Promise<void> {
  let packages = 0;
  ticking.show('Compiling');
  const args = ['build', '-v', ...buildFlags, '-ldflags', linkerFlags(options.version), '-o', output, '.'];
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
