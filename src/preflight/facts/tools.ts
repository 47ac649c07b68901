import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { tmpdir } from 'node:os';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { shownUrl } from '../../base/shown-url.ts';
import { isOlder } from '../../base/versions.ts';
import type { BinariesOptions } from '../../control-plane/control-plane.ts';
import { cacheRoot } from '../../control-plane/sources/cache.ts';
import { fetchText } from '../../control-plane/sources/download.ts';
import { locateBinaries } from '../../control-plane/sources/find-binaries.ts';
import { surveyGo } from '../../control-plane/sources/go-build.ts';
import { thisPlatform } from '../../control-plane/sources/platform.ts';
import { runCommand } from '../../control-plane/sources/run-command.ts';
import type { BinariesFacts, FolderFacts, ToolFacts } from './facts.ts';
import { readFolder } from './folder.ts';
import { SystemFiles } from './system-files.ts';

/** A site that answers at all does so within this. */
const siteLimitMs = 3_000;

/** A checksum file is 64 bytes. */
const checksumBytesMax = 64 * 1024;

/** `timedatectl` asks a daemon, which may be missing. */
const commandLimitMs = 2_000;

const browsers = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'firefox',
  'firefox-esr',
  'microsoft-edge',
];

const browserApps = ['Google Chrome', 'Firefox', 'Safari', 'Chromium', 'Microsoft Edge'];

/** How each distribution installs a browser, by ID and ID_LIKE of os-release(5). */
const browserInstalls: Readonly<Record<string, string>> = {
  ubuntu: 'snap install chromium',
  debian: 'apt-get install -y chromium',
  fedora: 'dnf install -y chromium',
  rhel: 'dnf install -y firefox',
  alpine: 'apk add chromium',
  arch: 'pacman -S --noconfirm chromium',
  suse: 'zypper install -y chromium',
};

/**
 * Binaries, Go, release site and browser. Runs the binaries' `--version` and Go; asks the release site only when no
 * binaries are here, and for 3 seconds at most. Downloads and writes nothing.
 * @throws HollowmarkError `bad-input` for a version or URL that cannot be used.
 */
export async function readToolFacts(options: BinariesOptions, root = '/'): Promise<ToolFacts> {
  const env = options.env ?? process.env;
  const binaries = await readBinaries(options);
  const go = await surveyGo(env, options.signal);
  const files = new SystemFiles(root);
  return {
    kubernetesVersion: options.version,
    binaries,
    release: 'passedOver' in binaries ? await askReleaseSite(options) : undefined,
    go: { ...go, tooOld: go.version !== undefined && isOlder(go.version, go.wanted) },
    cache: readCache(env),
    browser: findBrowser(env['PATH'] ?? ''),
    browserInstall: browserInstall(files.text('/etc/os-release') ?? '', process.platform),
  };
}

async function readBinaries(options: BinariesOptions): Promise<BinariesFacts> {
  try {
    const located = await locateBinaries(options);
    if (!('dir' in located)) return { passedOver: located };
    const { version, source, dir } = located;
    return { found: { version, source, dir } };
  } catch (error) {
    options.signal.throwIfAborted();
    // A folder that was named; a version or URL that is none is the command line's fault, not the machine's.
    if (!(error instanceof HollowmarkError) || options.binariesDir === undefined) throw error;
    return { fault: error.message, hint: error.hint };
  }
}

/** A user without a home folder has no cache, and needs none when binaries are there. */
function readCache(env: Readonly<Record<string, string | undefined>>): FolderFacts {
  try {
    return readFolder(cacheRoot(env, 'control-plane'));
  } catch (error) {
    const unknown = { freeBytes: undefined, freeFiles: undefined, inMemory: false };
    return { path: '', fault: errorMessage(error), ...unknown };
  }
}

async function askReleaseSite(options: BinariesOptions): Promise<{ url: string; fault: string | undefined }> {
  const { releaseUrl, version, signal } = options;
  const url = `${releaseUrl}/${version}/bin/${thisPlatform.os}/${thisPlatform.arch}/kube-apiserver.sha256`;
  const limits = {
    connectMs: siteLimitMs,
    idleMs: siteLimitMs,
    totalMs: siteLimitMs,
    bytesMax: checksumBytesMax,
  };
  try {
    await fetchText({ url, limits, signal }, checksumBytesMax);
    return { url: shownUrl(releaseUrl), fault: undefined };
  } catch (error) {
    signal.throwIfAborted();
    return { url: shownUrl(releaseUrl), fault: errorMessage(error).replace(`${shownUrl(url)}: `, '') };
  }
}

function findBrowser(pathVariable: string): string | undefined {
  for (const dir of pathVariable.split(delimiter).filter(isAbsolute)) {
    const found = browsers.map((name) => join(dir, name)).find(isProgram);
    if (found !== undefined) return found;
  }
  if (process.platform !== 'darwin') return undefined;
  return browserApps.map((name) => `/Applications/${name}.app`).find((path) => statOrNone(path));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function statOrNone(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The command without sudo; undefined for a distribution that is not known. */
export function browserInstall(osRelease: string, platform: NodeJS.Platform): string | undefined {
  if (platform === 'darwin') return 'brew install --cask chromium';
  const of = (key: string): string[] =>
    (new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(osRelease)?.[1] ?? '').split(/\s+/);
  const id = [...of('ID'), ...of('ID_LIKE')].find((name) => name in browserInstalls);
  return id === undefined ? undefined : browserInstalls[id];
}

/** Whether systemd or chrony keeps the clock right; undefined when neither tells. */
export async function readSynchronised(signal: AbortSignal): Promise<boolean | undefined> {
  const timedate = await answerOf('timedatectl', ['show', '--property=NTPSynchronized', '--value'], signal);
  if (timedate === 'yes') return true;
  const chrony = await answerOf('chronyc', ['-n', 'tracking'], signal);
  const leap = /^Leap status\s*: (.*)$/m.exec(chrony ?? '')?.[1];
  if (leap !== undefined) return leap !== 'Not synchronised';
  return timedate === 'no' ? false : undefined;
}

async function answerOf(
  program: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(commandLimitMs)]);
  try {
    return (await runCommand({ program, args, cwd: tmpdir(), env: process.env, signal: limited })).trim();
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
