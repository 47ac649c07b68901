import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reporter } from '../../base/reporter.ts';
import { shownUrl } from '../../base/shown-url.ts';
import { componentNames } from '../components.ts';
import type { ComponentName } from '../control-plane.ts';
import { type DownloadLimits, fetchFile, fetchText } from './download.ts';
import type { Platform } from './platform.ts';
import { runCommand } from './run-command.ts';

/** A checksum file is 64 bytes; etcd's list of all its archives has about 2 KB. */
const checksumBytesMax = 64 * 1024;

/** Where etcd publishes its archives: `<url>/<version>/etcd-<version>-<os>-<arch>.tar.gz` and `SHA256SUMS`. */
export const officialEtcdArchivesUrl = 'https://github.com/etcd-io/etcd/releases/download';

export type ReleaseOptions = {
  /** `v1.36.3`. */
  version: string;
  /** Without a slash at its end. */
  releaseUrl: string;
  /** Takes etcd from etcd's own releases there; `undefined` looks for it beside the other components. */
  etcdArchivesUrl: string | undefined;
  platform: Platform;
  limits: DownloadLimits;
  reporter: Reporter;
  signal: AbortSignal;
};

/**
 * Puts the four released binaries into `dir`, each with its checksum verified:
 * `<releaseUrl>/<version>/bin/<os>/<arch>/<component>` and `….sha256` beside it. etcd is no part of Kubernetes'
 * releases: from the official site it comes from etcd's own, from any other it is looked for in the same layout.
 * @throws Error that names the URL, for the first thing that fails.
 */
export async function downloadRelease(dir: string, options: ReleaseOptions): Promise<void> {
  for (const name of componentNames.toReversed()) {
    if (name === 'etcd' && options.etcdArchivesUrl !== undefined) {
      await downloadEtcdArchive(dir, options.etcdArchivesUrl, options);
    } else {
      await downloadComponent(dir, name, options);
    }
  }
}

async function downloadComponent(dir: string, name: ComponentName, options: ReleaseOptions): Promise<void> {
  const { platform, releaseUrl, version } = options;
  const url = `${releaseUrl}/${version}/bin/${platform.os}/${platform.arch}/${name}`;
  const sums = await fetchText({ url: `${url}.sha256`, ...transferOptions(options) }, checksumBytesMax);
  const expected = /^[0-9a-f]{64}(?=\s|$)/i.exec(sums.trim())?.[0];
  if (expected === undefined) throw new Error(`${shownUrl(url)}.sha256: not a SHA-256 checksum`);
  await fetchVerified(url, expected, join(dir, name), `${name} ${version}`, options);
}

async function downloadEtcdArchive(dir: string, archivesUrl: string, options: ReleaseOptions): Promise<void> {
  const { platform } = options;
  const version = etcdVersionFor(options.version);
  const base = `etcd-${version}-${platform.os}-${platform.arch}`;
  const archiveName = `${base}.${platform.os === 'linux' ? 'tar.gz' : 'zip'}`;
  const sumsUrl = `${archivesUrl}/${version}/SHA256SUMS`;
  const sums = await fetchText({ url: sumsUrl, ...transferOptions(options) }, checksumBytesMax);
  const line = sums.split('\n').find((text) => text.trim().endsWith(` ${archiveName}`));
  const expected = /^[0-9a-f]{64}(?=\s)/i.exec(line ?? '')?.[0];
  if (expected === undefined) throw new Error(`${shownUrl(sumsUrl)}: names no ${archiveName}`);
  const archive = join(dir, archiveName);
  await fetchVerified(
    `${archivesUrl}/${version}/${archiveName}`,
    expected,
    archive,
    `etcd ${version}`,
    options,
  );
  await runCommand({
    program: 'tar',
    args: ['-xf', archive, '-C', dir, '--strip-components=1', `${base}/etcd`],
    cwd: dir,
    env: process.env,
    signal: options.signal,
  });
  await rm(archive);
  await chmod(join(dir, 'etcd'), 0o755);
}

/** The file has its name only once its checksum is right. */
async function fetchVerified(
  url: string,
  expected: string,
  path: string,
  label: string,
  options: ReleaseOptions,
): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const actual = await fetchFile({ url, ...transferOptions(options) }, partial, (bytes, bytesTotal) => {
      const of = bytesTotal === undefined ? '' : ` of ${megabytes(bytesTotal)}`;
      const fraction = bytesTotal === undefined ? undefined : bytes / bytesTotal;
      options.reporter.progress(`Downloading ${label}: ${megabytes(bytes)}${of} MB`, fraction);
    });
    if (actual !== expected.toLowerCase()) {
      throw new Error(
        `${shownUrl(url)}: wrong checksum: SHA-256 is ${actual}, and ${expected.toLowerCase()} was announced`,
      );
    }
    await chmod(partial, 0o755);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * The etcd that kubeadm pairs with a Kubernetes version (`SupportedEtcdVersion` in
 * cmd/kubeadm/app/constants/constants.go): v1.36.3 names 3.6.8 for v1.34 to v1.36, v1.31.14 and v1.35.4 name 3.5.24
 * for what is older.
 * @param version of Kubernetes, `v1.36.3`.
 */
export function etcdVersionFor(version: string): string {
  const minor = Number(/^v1\.(\d+)\./.exec(version)?.[1]);
  return minor <= 33 ? 'v3.5.24' : 'v3.6.8';
}

function transferOptions(options: ReleaseOptions): { limits: DownloadLimits; signal: AbortSignal } {
  return { limits: options.limits, signal: options.signal };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
