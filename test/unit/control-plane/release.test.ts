import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { componentNames } from '../../../src/control-plane/components.ts';
import type { BinarySet } from '../../../src/control-plane/sources/binary-set.ts';
import { type DownloadLimits, defaultDownloadLimits } from '../../../src/control-plane/sources/download.ts';
import { findBinaries } from '../../../src/control-plane/sources/find-binaries.ts';
import { thisPlatform } from '../../../src/control-plane/sources/platform.ts';
import { downloadRelease, etcdVersionFor } from '../../../src/control-plane/sources/release.ts';
import {
  ReleaseSite,
  binariesOptions,
  makeTempDir,
  recordingReporter,
  writeComponents,
  writeFakeGo,
} from './fixtures.ts';

let dir: string;
let remove: () => Promise<void>;
let site: ReleaseSite;
let reporter: ReturnType<typeof recordingReporter>;

beforeEach(async () => {
  ({ dir, remove } = await makeTempDir());
  await writeFakeGo(join(dir, 'path'));
  reporter = recordingReporter();
  site = new ReleaseSite();
  site.addRelease('v1.36.3');
  await site.listen();
});
afterEach(async () => {
  await site.close();
  await remove();
});

function find(limits: DownloadLimits = defaultDownloadLimits): Promise<BinarySet> {
  return findBinaries(binariesOptions(dir, { releaseUrl: site.url, reporter }), limits);
}

/** The fall-through: one warning that names the reason, then the build; nothing half-done stays. */
async function expectBuildAfter(binaries: BinarySet, reason: string): Promise<void> {
  expect(binaries.source).toBe('cache (built from Go modules)');
  expect(reporter.texts('warn')).toHaveLength(1);
  expect(reporter.texts('warn')[0]).toContain(reason);
  expect(reporter.texts('warn')[0]).toContain('building it from Go modules instead');
  const names = await readdir(join(dir, 'cache', 'control-plane'));
  expect(names).toHaveLength(1);
  expect(names[0]).toContain('-build-');
}

const apiServer = (): string => site.path('v1.36.3', 'kube-apiserver');

describe('a download', () => {
  it('puts four executables into the cache, from where the next run takes them', async () => {
    const binaries = await find();
    expect(binaries.version).toBe('v1.36.3');
    expect(binaries.source).toBe(`cache (released at ${site.url})`);
    for (const name of componentNames) {
      expect((await stat(join(binaries.dir, name))).mode & 0o777).toBe(0o755);
    }
    expect((await readdir(binaries.dir)).toSorted()).toEqual([...componentNames, 'manifest.json'].toSorted());
    expect(
      reporter.texts('progress').some((text) => text.startsWith('Downloading kube-apiserver v1.36.3')),
    ).toBe(true);
    const requests = site.requests.length;
    expect(requests).toBe(8);
    expect((await find()).dir).toBe(binaries.dir);
    expect(site.requests).toHaveLength(requests);
  });

  it('follows a redirect, as dl.k8s.io sends one', async () => {
    site.handlers.set('/elsewhere', (_request, response) =>
      response.end('#!/bin/sh\necho "Kubernetes v1.36.3"\n'),
    );
    site.handlers.set(apiServer(), (_request, response) =>
      response.writeHead(302, { location: '/elsewhere' }).end(),
    );
    expect((await find()).source).toContain('released at');
    expect(site.requests).toContain('/elsewhere');
  });

  it('of another site does not count as one of this site', async () => {
    const first = await find();
    const other = new ReleaseSite();
    other.addRelease('v1.36.3');
    await other.listen();
    const second = await findBinaries(binariesOptions(dir, { releaseUrl: other.url, reporter }));
    await other.close();
    expect(second.dir).not.toBe(first.dir);
  });
});

describe('a password in the URL of the site', () => {
  const findWithPassword = async (): Promise<string> => {
    const releaseUrl = site.url.replace('//', '//me:p@ss@');
    const binaries = await findBinaries(binariesOptions(dir, { releaseUrl, reporter }));
    const manifest = await readFile(join(binaries.dir, 'manifest.json'), 'utf8');
    return `${binaries.source} ${binaries.dir} ${manifest} ${JSON.stringify(reporter.reports)}`;
  };

  it('is neither shown nor kept, and the site counts as the same without it', async () => {
    const all = await findWithPassword();
    expect(all).toContain(`released at ${site.url}`);
    expect(all).not.toMatch(/me:|ss@/);
    const requests = site.requests.length;
    await find();
    expect(site.requests).toHaveLength(requests);
  });

  it.each(['404', 'wrong checksum', 'not a SHA-256 checksum'])('is not in the reason: %s', async (fault) => {
    site.handlers.set(`${apiServer()}.sha256`, (_request, response) => {
      if (fault === '404') response.writeHead(404);
      response.end(fault === 'wrong checksum' ? '0'.repeat(64) : '');
    });
    const all = await findWithPassword();
    expect(all).toContain(fault);
    expect(all).not.toMatch(/me:|ss@/);
  });
});

describe('a download that fails falls through to the build with one warning', () => {
  it('wrong checksum', async () => {
    site.handlers.set(`${apiServer()}.sha256`, (_request, response) => response.end('0'.repeat(64)));
    await expectBuildAfter(await find(), 'wrong checksum');
  });

  it('no checksum in the checksum file', async () => {
    site.handlers.set(`${apiServer()}.sha256`, (_request, response) => response.end('<html>'));
    await expectBuildAfter(await find(), 'not a SHA-256 checksum');
  });

  it('a connection that is cut half-way', async () => {
    site.handlers.set(apiServer(), (_request, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      response.write(Buffer.alloc(1000), () => response.destroy());
    });
    await expectBuildAfter(await find(), `${apiServer()}: the connection was cut before the end of the file`);
  });

  it('404', async () => {
    site.handlers.set(`${apiServer()}.sha256`, (_request, response) => response.writeHead(404).end());
    await expectBuildAfter(await find(), 'HTTP status 404');
  });

  it('a refused connection', async () => {
    await site.close();
    await expectBuildAfter(await find(), 'ECONNREFUSED');
  });

  it('a host that has no address', async () => {
    const options = binariesOptions(dir, { releaseUrl: 'http://release.hollowmark.invalid', reporter });
    await expectBuildAfter(await findBinaries(options), 'release.hollowmark.invalid');
  });

  it('a server that does not answer', async () => {
    site.handlers.set(`${apiServer()}.sha256`, () => {});
    await expectBuildAfter(await find({ ...defaultDownloadLimits, idleMs: 50 }), 'no data for 50 ms');
  });

  it('a server that stops in the middle', async () => {
    site.handlers.set(apiServer(), (_request, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      response.write(Buffer.alloc(1000));
    });
    await expectBuildAfter(await find({ ...defaultDownloadLimits, idleMs: 50 }), 'no data for 50 ms');
  });

  it('a server that trickles', async () => {
    site.handlers.set(apiServer(), (_request, response) => {
      response.writeHead(200, { 'content-length': 1_000_000 });
      const trickle = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(trickle));
    });
    await expectBuildAfter(
      await find({ ...defaultDownloadLimits, totalMs: 400 }),
      'not complete after 0.4 s',
    );
  });

  it('a file without end', async () => {
    site.handlers.set(apiServer(), (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) {
          // Until the socket is full.
        }
      };
      response.on('drain', more);
      more();
    });
    await expectBuildAfter(
      await find({ ...defaultDownloadLimits, bytesMax: 1_000_000 }),
      'larger than 1000000 bytes',
    );
  });

  it('redirects that go round', async () => {
    site.handlers.set(apiServer(), (_request, response) =>
      response.writeHead(302, { location: apiServer() }).end(),
    );
    await expectBuildAfter(await find(), 'more than 5 redirects');
  });
});

it('takes an earlier build when the site that the user named does not answer', async () => {
  const built = await findBinaries(binariesOptions(dir, { reporter }));
  expect(built.source).toContain('built');
  await site.close();
  expect((await find()).dir).toBe(built.dir);
  expect(await readFile(join(dir, 'path', 'builds'), 'utf8')).toBe('built\n');
});

it('is interrupted by the signal and leaves nothing in the cache', async () => {
  const abort = new AbortController();
  site.handlers.set(apiServer(), (_request, response) => {
    response.writeHead(200, { 'content-length': 1_000_000 });
    response.write(Buffer.alloc(1000), () => abort.abort(new Error('Ctrl-C')));
  });
  const options = binariesOptions(dir, { releaseUrl: site.url, reporter, signal: abort.signal });
  await expect(findBinaries(options)).rejects.toMatchObject({ code: 'interrupted' });
  expect(existsSync(join(dir, 'cache'))).toBe(false);
  expect(reporter.texts('warn')).toEqual([]);
});

describe("etcd from etcd's own releases", () => {
  const base = `etcd-v3.6.8-${thisPlatform.os}-${thisPlatform.arch}`;

  /** An archive as etcd publishes them, with more in it than the one file that is wanted. */
  async function addArchive(sum?: string): Promise<void> {
    await writeComponents(join(dir, 'archive', base), 'v1.36.3');
    execFileSync('tar', ['-czf', `${base}.tar.gz`, base], { cwd: join(dir, 'archive') });
    const archive = await readFile(join(dir, 'archive', `${base}.tar.gz`));
    const right = createHash('sha256').update(archive).digest('hex');
    site.handlers.set(`/etcd/v3.6.8/${base}.tar.gz`, (_request, response) => response.end(archive));
    site.handlers.set('/etcd/v3.6.8/SHA256SUMS', (_request, response) =>
      response.end(`${'1'.repeat(64)}  etcd-v3.6.8-other.tar.gz\n${sum ?? right}  ${base}.tar.gz\n`),
    );
  }

  function download(): Promise<void> {
    return downloadRelease(join(dir, 'out'), {
      version: 'v1.36.3',
      releaseUrl: site.url,
      etcdArchivesUrl: `${site.url}/etcd`,
      platform: { ...thisPlatform, os: 'linux' },
      limits: defaultDownloadLimits,
      reporter,
      signal: new AbortController().signal,
    });
  }

  // Archives for other systems have another form.
  it.runIf(process.platform === 'linux')('is taken out of the archive', async () => {
    await mkdir(join(dir, 'out'));
    await addArchive();
    await download();
    expect((await readdir(join(dir, 'out'))).toSorted()).toEqual([...componentNames].toSorted());
    expect((await stat(join(dir, 'out', 'etcd'))).mode & 0o777).toBe(0o755);
  });

  it.runIf(process.platform === 'linux')('is refused with a wrong checksum', async () => {
    await mkdir(join(dir, 'out'));
    await addArchive('0'.repeat(64));
    await expect(download()).rejects.toThrow(/tar\.gz: wrong checksum/);
    expect(await readdir(join(dir, 'out'))).not.toContain('etcd');
  });

  it('is of the version that kubeadm pairs with that Kubernetes', () => {
    expect(etcdVersionFor('v1.36.3')).toBe('v3.6.8');
    expect(etcdVersionFor('v1.33.2')).toBe('v3.5.24');
    expect(etcdVersionFor('v1.99.0')).toBe('v3.6.8');
  });
});
