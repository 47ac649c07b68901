import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Reporter } from '../../base/reporter.ts';
import { componentNames } from '../components.ts';
import { type ComponentName, officialReleaseUrl } from '../control-plane.ts';
import { type DownloadLimits, fetchFile, fetchText } from './download.ts';
import type { Platform } from './platform.ts';
import { runCommand } from './run-command.ts';

/** A checksum file is 64 bytes; etcd's list of all its archives has about 2 KB. */
const checksumBytesMax = 64 * 1024;

const etcdReleaseUrl = 'https://github.com/etcd-io/etcd/releases/download';

/**
 * The etcd that each Kubernetes minor version is released with (`DefaultEtcdVersion` in
 * cmd/kubeadm/app/constants/constants.go). An API server works with any etcd from 3.5 on, so an unknown one
 * gets the newest.
 */
const etcdVersions: Readonly<Record<string, string>> = {
  'v1.31': 'v3.5.15',
  'v1.32': 'v3.5.16',
  'v1.33': 'v3.5.21',
  'v1.34': 'v3.6.5',
  'v1.35': 'v3.6.6',
};
const etcdVersionNewest = 'v3.6.8';

export type ReleaseOptions = {
  /** `v1.36.3`. */
  version: string;
  /** Without a slash at its end. */
  releaseUrl: string;
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
  const official = options.releaseUrl === officialReleaseUrl;
  for (const name of componentNames.toReversed()) {
    if (name === 'etcd' && official) await downloadEtcdArchive(dir, options);
    else await downloadComponent(dir, name, options);
  }
}

async function downloadComponent(dir: string, name: ComponentName, options: ReleaseOptions): Promise<void> {
  const { platform, releaseUrl, version } = options;
  const url = `${releaseUrl}/${version}/bin/${platform.os}/${platform.arch}/${name}`;
  const sums = await fetchText({ url: `${url}.sha256`, ...transferOptions(options) }, checksumBytesMax);
  const expected = /^[0-9a-f]{64}(?=\s|$)/i.exec(sums.trim())?.[0];
  if (expected === undefined) throw new Error(`${url}.sha256: not a SHA-256 checksum`);
  await fetchVerified(url, expected, join(dir, name), `${name} ${version}`, options);
}

async function downloadEtcdArchive(dir: string, options: ReleaseOptions): Promise<void> {
  const { platform } = options;
  const version = etcdVersionFor(options.version);
  const base = `etcd-${version}-${platform.os}-${platform.arch}`;
  const archiveName = `${base}.${platform.os === 'linux' ? 'tar.gz' : 'zip'}`;
  const sumsUrl = `${etcdReleaseUrl}/${version}/SHA256SUMS`;
  const sums = await fetchText({ url: sumsUrl, ...transferOptions(options) }, checksumBytesMax);
  const line = sums.split('\n').find((text) => text.trim().endsWith(` ${archiveName}`));
  const expected = /^[0-9a-f]{64}(?=\s)/i.exec(line ?? '')?.[0];
  if (expected === undefined) throw new Error(`${sumsUrl}: names no ${archiveName}`);
  const archive = join(dir, archiveName);
  await fetchVerified(
    `${etcdReleaseUrl}/${version}/${archiveName}`,
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
        `${url}: wrong checksum: SHA-256 is ${actual}, and ${expected.toLowerCase()} was announced`,
      );
    }
    await chmod(partial, 0o755);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/** @param version of Kubernetes, `v1.36.3`. */
export function etcdVersionFor(version: string): string {
  const minor = /^v\d+\.\d+/.exec(version)?.[0] ?? '';
  return etcdVersions[minor] ?? etcdVersionNewest;
}

function transferOptions(options: ReleaseOptions): { limits: DownloadLimits; signal: AbortSignal } {
  return { limits: options.limits, signal: options.signal };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
