import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { shownUrl } from '../../base/shown-url.ts';
import { type BinariesOptions, officialReleaseUrl } from '../control-plane.ts';
import { type BinarySet, completeCommand, inspectFolder, readBinarySet, readVersion } from './binary-set.ts';
import { cacheRoot, fillCache, findOrFill, readCached } from './cache.ts';
import { type DownloadLimits, defaultDownloadLimits } from './download.ts';
import { describeGaps, fromFolder } from './folder.ts';
import { buildGoProgram, buildRecipe } from './go-build.ts';
import { controlPlaneProgram } from './go-program.ts';
import { fromPath } from './path.ts';
import { thisPlatform } from './platform.ts';
import { downloadRelease, officialEtcdArchivesUrl } from './release.ts';

/** Why a source gave nothing. */
type Failure = { source: string; reason: string };

type Search = Omit<BinariesOptions, 'env' | 'clock'> & {
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  limits: DownloadLimits;
  failures: Failure[];
};

/**
 * The binaries of a control plane from the first source that has them: the folder named by flag or by
 * KUBEBUILDER_ASSETS, PATH, the cache, the release site, a build from Go modules. What the last two give is put
 * into the cache.
 * @param limits of downloads; tests shorten them.
 * @throws HollowmarkError `bad-input` for a version or folder that cannot be used, `cluster-unavailable` that says
 * of each source why it has nothing, `interrupted`.
 */
export async function findBinaries(
  options: BinariesOptions,
  limits: DownloadLimits = defaultDownloadLimits,
): Promise<BinarySet> {
  const search = newSearch(options, limits);
  try {
    const binaries = (await fromUser(search)) ?? (await fromCacheOrFilled(search));
    if (binaries !== undefined) return binaries;
  } catch (error) {
    if (!options.signal.aborted) throw error;
    throw interrupted(error);
  }
  throw nothingFound(search);
}

/**
 * The binaries that {@link findBinaries} would use if they are on this machine already; downloads, builds and writes
 * nothing.
 * @returns the set, or of each source one sentence about why it has none.
 * @throws HollowmarkError `bad-input` as {@link findBinaries} does.
 */
export async function locateBinaries(options: BinariesOptions): Promise<BinarySet | readonly string[]> {
  const search = newSearch(options, defaultDownloadLimits);
  const binaries = (await fromUser(search)) ?? (await fromCacheAsItIs(search));
  if (binaries !== undefined) return binaries;
  return search.failures.map(({ source, reason }) => `${source}: ${reason}`);
}

function newSearch(options: BinariesOptions, limits: DownloadLimits): Search {
  return {
    ...options,
    version: checkVersion(options.version),
    releaseUrl: checkReleaseUrl(options.releaseUrl),
    env: options.env ?? process.env,
    clock: options.clock ?? systemClock,
    limits,
    failures: [],
  };
}

/** Folder by flag, folder by environment, PATH. */
async function fromUser(search: Search): Promise<BinarySet | undefined> {
  const { env, reporter, signal, version } = search;
  if (search.binariesDir !== undefined) return fromFolder(resolve(search.binariesDir), signal);
  const assetsVariable = env['KUBEBUILDER_ASSETS'];
  if (assetsVariable !== undefined && assetsVariable !== '') {
    const assets = resolve(assetsVariable);
    const contents = await inspectFolder(assets);
    if (completeCommand(contents) !== undefined) {
      const binaries = await fromFolder(assets, signal);
      if (binaries.version !== version) {
        reporter.warn(`KUBEBUILDER_ASSETS holds ${binaries.version}, which is used in place of ${version}`);
      }
      return { ...binaries, source: `KUBEBUILDER_ASSETS ${assets}` };
    }
    // envtest's own sets have etcd and kube-apiserver only: that is no mistake of the user's.
    search.failures.push({ source: 'KUBEBUILDER_ASSETS', reason: describeGaps(assets, contents) });
    reporter.info(`KUBEBUILDER_ASSETS is passed over: ${describeGaps(assets, contents)}`);
  }
  const answer = await fromPath(env['PATH'] ?? '', version, signal);
  if (typeof answer !== 'string') return answer;
  search.failures.push({ source: 'PATH', reason: answer });
  return undefined;
}

/** Where released and built binaries of this version lie in the cache. */
type Keys = { release: string; build: string; lock: string };

async function cacheKeys(search: Search): Promise<Keys> {
  const base = `${search.version}-${thisPlatform.os}-${thisPlatform.arch}`;
  // What another site calls v1.36.3 may be a build of somebody's own; who fetches it does not matter.
  const site =
    search.releaseUrl === officialReleaseUrl ? '' : `-site-${shortHash(shownUrl(search.releaseUrl))}`;
  return {
    release: `${base}${site}`,
    build: `${base}-build-${await buildRecipe(controlPlaneProgram(search.version))}`,
    lock: base,
  };
}

async function fromCacheAsItIs(search: Search): Promise<BinarySet | undefined> {
  let root: string;
  try {
    root = cacheRoot(search.env, 'control-plane');
  } catch (error) {
    search.failures.push({ source: 'cache', reason: errorMessage(error) });
    return undefined;
  }
  const cached = await fromCache(root, await cacheKeys(search), search);
  if (cached === undefined) search.failures.push(cacheFailure(root, search.version));
  return cached;
}

async function fromCacheOrFilled(search: Search): Promise<BinarySet | undefined> {
  const root = cacheRoot(search.env, 'control-plane');
  const keys = await cacheKeys(search);
  const { clock, reporter, signal, version } = search;
  const onWait = (holder: { pid: number }): void =>
    reporter.step(`Waiting for another run (pid ${holder.pid}) that fetches the control plane ${version}`);
  const find = (): Promise<BinarySet | undefined> => fromCache(root, keys, search);
  return findOrFill(root, keys.lock, { clock, signal, onWait }, find, async () => {
    search.failures.push(cacheFailure(root, version));
    return (
      (await fromRelease(root, keys, search)) ??
      (await readCached(root, keys.build, readBinarySet)) ??
      (await fromBuild(root, keys, search))
    );
  });
}

function cacheFailure(root: string, version: string): Failure {
  return { source: 'cache', reason: `${root} has no ${version} for ${thisPlatform.os}/${thisPlatform.arch}` };
}

/** A site that the user named comes before an own build of that version: it may be what is to be tested. */
async function fromCache(root: string, keys: Keys, search: Search): Promise<BinarySet | undefined> {
  const released = await readCached(root, keys.release, readBinarySet);
  if (released !== undefined || search.releaseUrl !== officialReleaseUrl) return released;
  return readCached(root, keys.build, readBinarySet);
}

async function fromRelease(root: string, keys: Keys, search: Search): Promise<BinarySet | undefined> {
  const { limits, releaseUrl, reporter, signal, version } = search;
  reporter.step(`Downloading the control plane ${version} from ${shownUrl(releaseUrl)}`);
  try {
    return await fillCache(root, keys.release, readBinarySet, async (dir) => {
      const etcdArchivesUrl = releaseUrl === officialReleaseUrl ? officialEtcdArchivesUrl : undefined;
      const platform = thisPlatform;
      await downloadRelease(dir, {
        version,
        releaseUrl,
        etcdArchivesUrl,
        platform,
        limits,
        reporter,
        signal,
      });
      return { version: await versionIn(dir, signal), origin: `released at ${shownUrl(releaseUrl)}` };
    });
  } catch (error) {
    signal.throwIfAborted();
    const reason = errorMessage(error);
    search.failures.push({ source: 'download', reason });
    reporter.warn(`The control plane cannot be downloaded (${reason}); building it from Go modules instead`);
    return undefined;
  }
}

async function fromBuild(root: string, keys: Keys, search: Search): Promise<BinarySet | undefined> {
  const { children, clock, env, reporter, signal, version } = search;
  try {
    return await fillCache(root, keys.build, readBinarySet, async (dir) => {
      await buildGoProgram(dir, controlPlaneProgram(version), { reporter, signal, clock, env, children });
      return { version: await versionIn(dir, signal), origin: 'built from Go modules' };
    });
  } catch (error) {
    signal.throwIfAborted();
    search.failures.push({ source: 'Go build', reason: errorMessage(error) });
    return undefined;
  }
}

async function versionIn(dir: string, signal: AbortSignal): Promise<string> {
  const command = completeCommand(await inspectFolder(dir));
  if (command === undefined) throw new Error(`${dir} is not complete`);
  return readVersion(command['kube-apiserver'], signal);
}

function nothingFound(search: Search): HollowmarkError {
  const { failures, version } = search;
  const tried = failures.map(({ source, reason }) => `  ${source}: ${reason}`).join('\n');
  return new HollowmarkError(
    'cluster-unavailable',
    `there are no binaries of the control plane ${version} for ${thisPlatform.os}/${thisPlatform.arch}:\n${tried}`,
    {
      hint:
        'install Go 1.26 or newer (https://go.dev/dl) or connect to the internet, then run ' +
        `\`npx hollowmark control-plane install --kubernetes-version ${version}\`; ` +
        'or name a folder of binaries with `--binaries DIR`',
    },
  );
}

/** @returns the version with its v. @throws HollowmarkError `bad-input`. */
export function checkVersion(version: string): string {
  const match = /^v?(1\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)$/.exec(version);
  if (match !== null) return `v${match[1]}`;
  throw new HollowmarkError('bad-input', `"${version}" is not a Kubernetes version`, {
    hint: 'use the form --kubernetes-version v1.36.3',
  });
}

/** @returns the URL without a slash at its end. @throws HollowmarkError `bad-input`. */
export function checkReleaseUrl(releaseUrl: string): string {
  let url: URL | undefined;
  try {
    url = new URL(releaseUrl);
  } catch {
    // Told below.
  }
  if (url !== undefined && (url.protocol === 'https:' || url.protocol === 'http:')) {
    return releaseUrl.replace(/\/+$/, '');
  }
  throw new HollowmarkError('bad-input', `"${shownUrl(releaseUrl)}" is not an http or https URL`, {
    hint: `use the form --release-url ${officialReleaseUrl}`,
  });
}

function interrupted(cause: unknown): HollowmarkError {
  if (cause instanceof HollowmarkError && cause.code === 'interrupted') return cause;
  return new HollowmarkError('interrupted', 'fetching the control plane was interrupted', { cause });
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
