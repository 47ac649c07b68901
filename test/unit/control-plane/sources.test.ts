import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { buildRecipe } from '../../../src/control-plane/sources/go-build.ts';
import { controlPlaneProgram } from '../../../src/control-plane/sources/go-program.ts';
import { fillCache } from '../../../src/control-plane/sources/cache.ts';
import { readBinarySet } from '../../../src/control-plane/sources/binary-set.ts';
import { findBinaries } from '../../../src/control-plane/sources/find-binaries.ts';
import { thisPlatform } from '../../../src/control-plane/sources/platform.ts';
import {
  binariesOptions,
  fakeComponent,
  makeTempDir,
  recordingReporter,
  writeComponents,
  writeFakeGo,
  writeScript,
} from './fixtures.ts';

let dir: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ dir, remove } = await makeTempDir());
});
afterEach(() => remove());

const platformKey = `v1.36.3-${thisPlatform.os}-${thisPlatform.arch}`;

describe('a folder named by flag', () => {
  it('wins over every other source, whatever its version is', async () => {
    await writeComponents(join(dir, 'flag'), 'v1.30.1');
    await writeComponents(join(dir, 'assets'), 'v1.36.3');
    const env = { KUBEBUILDER_ASSETS: join(dir, 'assets'), PATH: '', HOLLOWMARK_CACHE: join(dir, 'cache') };
    const binaries = await findBinaries(binariesOptions(dir, { binariesDir: join(dir, 'flag'), env }));
    expect(binaries.version).toBe('v1.30.1');
    expect(binaries.source).toBe(`folder ${join(dir, 'flag')}`);
    expect(binaries.command.etcd).toEqual([join(dir, 'flag', 'etcd')]);
  });

  it('may hold the multi-call binary, and a component of its own beside it wins', async () => {
    await writeScript(join(dir, 'control-plane'), fakeComponent('v1.36.3'));
    await writeScript(join(dir, 'etcd'), fakeComponent('v1.36.3'));
    const { command } = await findBinaries(binariesOptions(dir, { binariesDir: dir }));
    expect(command.etcd).toEqual([join(dir, 'etcd')]);
    expect(command['kube-scheduler']).toEqual([join(dir, 'control-plane'), 'kube-scheduler']);
  });

  it('is bad input when a component is missing, and the message names it', async () => {
    await writeComponents(dir, 'v1.36.3');
    await rm(join(dir, 'etcd'));
    await rm(join(dir, 'kube-scheduler'));
    const failure = await findBinaries(binariesOptions(dir, { binariesDir: dir })).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(HollowmarkError);
    expect(failure).toMatchObject({ code: 'bad-input' });
    expect((failure as Error).message).toContain('lacks etcd, kube-scheduler');
  });

  it('is bad input when a file cannot be executed, and the hint is the command that mends it', async () => {
    await writeComponents(dir, 'v1.36.3');
    await rm(join(dir, 'etcd'));
    await writeFile(join(dir, 'etcd'), 'not executable', { mode: 0o644 });
    const failure = await findBinaries(binariesOptions(dir, { binariesDir: dir })).catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: 'bad-input', hint: `chmod +x ${join(dir, 'etcd')}` });
  });

  it('is bad input when its kube-apiserver does not say a version', async () => {
    await writeComponents(dir, 'v1.36.3');
    await writeScript(join(dir, 'kube-apiserver'), '#!/bin/sh\necho hello\n');
    const failure = await findBinaries(binariesOptions(dir, { binariesDir: dir })).catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: 'bad-input' });
    expect((failure as Error).message).toContain('answers "hello"');
  });
});

describe('the environment', () => {
  it('names a folder with KUBEBUILDER_ASSETS; another version than wanted is used with a warning', async () => {
    await writeComponents(join(dir, 'assets'), 'v1.35.0');
    const reporter = recordingReporter();
    const env = { KUBEBUILDER_ASSETS: join(dir, 'assets'), PATH: '', HOLLOWMARK_CACHE: join(dir, 'cache') };
    const binaries = await findBinaries(binariesOptions(dir, { env, reporter }));
    expect(binaries.source).toBe(`KUBEBUILDER_ASSETS ${join(dir, 'assets')}`);
    expect(binaries.version).toBe('v1.35.0');
    expect(reporter.texts('warn')).toHaveLength(1);
  });

  it("passes over a KUBEBUILDER_ASSETS of envtest's own, which has no scheduler, and takes PATH", async () => {
    await writeComponents(join(dir, 'assets'), 'v1.36.3');
    await rm(join(dir, 'assets', 'kube-scheduler'));
    await writeComponents(join(dir, 'path'), 'v1.36.3');
    const reporter = recordingReporter();
    const env = {
      KUBEBUILDER_ASSETS: join(dir, 'assets'),
      PATH: `relative:${join(dir, 'nowhere')}:${join(dir, 'path')}`,
      HOLLOWMARK_CACHE: join(dir, 'cache'),
    };
    const binaries = await findBinaries(binariesOptions(dir, { env, reporter }));
    expect(binaries.source).toBe('PATH');
    expect(reporter.texts('info')[0]).toContain('lacks kube-scheduler');
  });

  it('has binaries of another version in PATH: they are not used', async () => {
    await writeComponents(join(dir, 'path'), 'v1.30.1');
    const failure = await findBinaries(binariesOptions(dir, {})).catch((e: unknown) => e);
    expect((failure as Error).message).toContain('kube-apiserver is v1.30.1');
  });
});

describe('the cache', () => {
  it('answers before the release site and the build', async () => {
    await writeFakeGo(join(dir, 'path'));
    const root = join(dir, 'cache', 'control-plane');
    await mkdir(root, { recursive: true });
    await fillCache(root, platformKey, readBinarySet, async (staging) => {
      await writeComponents(staging, 'v1.36.3');
      return { version: 'v1.36.3', origin: 'a test' };
    });
    const reporter = recordingReporter();
    const binaries = await findBinaries(binariesOptions(dir, { releaseUrl: 'https://dl.k8s.io', reporter }));
    expect(binaries.source).toBe('cache (a test)');
    expect(reporter.reports).toEqual([]);
  });

  it('is asked for a build by the recipe, so that a changed main.go is built anew', async () => {
    await writeFakeGo(join(dir, 'path'));
    const root = join(dir, 'cache', 'control-plane');
    await mkdir(root, { recursive: true });
    await fillCache(root, `${platformKey}-build-00000000`, readBinarySet, async (staging) => {
      await writeComponents(staging, 'v1.36.3');
      return { version: 'v1.36.3', origin: 'an old recipe' };
    });
    const binaries = await findBinaries(binariesOptions(dir, {}));
    expect(binaries.dir).toBe(
      join(root, `${platformKey}-build-${await buildRecipe(controlPlaneProgram('v1.36.3'))}`),
    );
    expect(await buildRecipe(controlPlaneProgram('v1.36.3'))).not.toBe(
      await buildRecipe(controlPlaneProgram('v1.35.4')),
    );
  });
});

describe('no source', () => {
  it('is cluster-unavailable; the message says of each why it has nothing', async () => {
    await mkdir(join(dir, 'path'));
    const env = {
      KUBEBUILDER_ASSETS: join(dir, 'path'),
      PATH: join(dir, 'path'),
      HOLLOWMARK_CACHE: join(dir, 'c'),
    };
    const failure = await findBinaries(binariesOptions(dir, { env })).catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: 'cluster-unavailable' });
    const { message, hint } = failure as HollowmarkError;
    for (const part of [
      'KUBEBUILDER_ASSETS: the folder',
      'PATH: not in PATH: etcd, kube-apiserver, kube-controller-manager, kube-scheduler',
      `cache: ${join(dir, 'c', 'control-plane')} has no v1.36.3`,
      'download: http://127.0.0.1:1/v1.36.3/bin/',
      'ECONNREFUSED',
      'Go build: Go is not installed',
    ]) {
      expect(message).toContain(part);
    }
    expect(hint).toContain('hollowmark control-plane install --kubernetes-version v1.36.3');
  });

  it('a Go that is too old is named with what is needed', async () => {
    await writeScript(
      join(dir, 'go'),
      '#!/bin/sh\ncase "$1" in env) echo go1.24.1 ;; *) echo "go version go1.24.1" ;; esac\n',
    );
    const env = { PATH: dir, HOLLOWMARK_CACHE: join(dir, 'cache') };
    const failure = await findBinaries(binariesOptions(dir, { env })).catch((e: unknown) => e);
    expect((failure as Error).message).toContain(
      'Go build: Go 1.24.1 is installed, and the control plane v1.36.3 needs 1.26.0',
    );
  });

  it('a build that fails leaves its last words in the message and no cache', async () => {
    await writeFakeGo(join(dir, 'path'));
    await writeScript(
      join(dir, 'path', 'go'),
      '#!/bin/sh\ncase "$1" in env) echo go1.99 ;; build) echo "main.go:7: cannot find it" >&2; exit 3 ;; esac\n',
    );
    const failure = await findBinaries(binariesOptions(dir, {})).catch((e: unknown) => e);
    expect((failure as Error).message).toContain('go build: exit code 3: main.go:7: cannot find it');
    expect(existsSync(join(dir, 'cache'))).toBe(false);
  });
});

describe('arguments', () => {
  it.each(['1.36', 'latest', 'v1.36.3/../..', ''])('"%s" is no version', async (version) => {
    const failure = await findBinaries(binariesOptions(dir, { version })).catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: 'bad-input' });
  });

  it.each(['dl.k8s.io', 'file:///srv/release', ''])('"%s" is no release URL', async (releaseUrl) => {
    const failure = await findBinaries(binariesOptions(dir, { releaseUrl })).catch((e: unknown) => e);
    expect(failure).toMatchObject({ code: 'bad-input' });
  });

  it('a version without its v is understood', async () => {
    await writeComponents(join(dir, 'path'), 'v1.36.3');
    expect((await findBinaries(binariesOptions(dir, { version: '1.36.3' }))).version).toBe('v1.36.3');
  });
});
