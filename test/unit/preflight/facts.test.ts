import { writeFileSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../src/base/clock.ts';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { fillCache, withCacheRoot } from '../../../src/control-plane/sources/cache.ts';
import { readBinarySet } from '../../../src/control-plane/sources/binary-set.ts';
import { thisPlatform } from '../../../src/control-plane/sources/platform.ts';
import { readCgroup } from '../../../src/preflight/facts/cgroup.ts';
import type { MachineFacts } from '../../../src/preflight/facts/facts.ts';
import { readFolder } from '../../../src/preflight/facts/folder.ts';
import { readMachineFacts } from '../../../src/preflight/facts/machine.ts';
import { SystemFiles } from '../../../src/preflight/facts/system-files.ts';
import { browserInstall, readToolFacts } from '../../../src/preflight/facts/tools.ts';
import {
  ReleaseSite,
  binariesOptions,
  makeTempDir,
  writeComponents,
  writeFakeGo,
  writeScript,
} from '../control-plane/fixtures.ts';

let dir: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ dir, remove } = await makeTempDir());
});
afterEach(() => remove());

/** Writes files below `dir`, by the paths that they have on a real machine. */
async function tree(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), `${text}\n`);
  }
}

const machine = (clock = systemClock): Promise<MachineFacts> =>
  readMachineFacts({
    stateDir: join(dir, 'state'),
    reportDir: undefined,
    clock,
    sampleCpu: 'when-loaded',
    root: dir,
  });

const none = {
  quotaCores: undefined,
  memoryLimitBytes: undefined,
  memoryAvailableBytes: undefined,
  threadsMax: undefined,
  threadsNow: undefined,
};

describe('cgroups', () => {
  it('version 2: the tightest limit on the way up, and what is left of it', async () => {
    await tree({
      '/proc/self/cgroup': '0::/system.slice/ci.service/job',
      '/sys/fs/cgroup/system.slice/cpu.max': '150000 100000',
      '/sys/fs/cgroup/system.slice/ci.service/cpu.max': 'max 100000',
      '/sys/fs/cgroup/system.slice/ci.service/memory.max': '4000000000',
      '/sys/fs/cgroup/system.slice/ci.service/memory.current': '3000000000',
      '/sys/fs/cgroup/system.slice/ci.service/memory.stat': 'anon 1\ninactive_file 500000000\nactive_file 7',
      '/sys/fs/cgroup/system.slice/ci.service/job/memory.max': 'max',
      '/sys/fs/cgroup/system.slice/ci.service/pids.max': '512',
      '/sys/fs/cgroup/system.slice/ci.service/pids.current': '100',
      '/sys/fs/cgroup/system.slice/pids.max': '9000',
      '/sys/fs/cgroup/system.slice/pids.current': '8900',
    });
    expect(readCgroup(new SystemFiles(dir))).toEqual({
      quotaCores: 1.5,
      memoryLimitBytes: 4e9,
      memoryAvailableBytes: 1.5e9,
      threadsMax: 9000,
      threadsNow: 8900,
    });
  });

  it('version 1: a hierarchy for each controller, -1 and a huge number for no limit', async () => {
    await tree({
      '/proc/self/cgroup': '9:name=systemd:/\n8:pids:/job\n4:memory:/job\n2:cpu,cpuacct:/job\n0::/',
      '/sys/fs/cgroup/cpu/job/cpu.cfs_quota_us': '50000',
      '/sys/fs/cgroup/cpu/job/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000',
      '/sys/fs/cgroup/memory/job/memory.limit_in_bytes': '1000000000',
      '/sys/fs/cgroup/memory/job/memory.usage_in_bytes': '200000000',
      '/sys/fs/cgroup/memory/job/memory.stat': 'inactive_file 1\ntotal_inactive_file 50000000',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
      '/sys/fs/cgroup/pids/job/pids.max': 'max',
    });
    expect(readCgroup(new SystemFiles(dir))).toEqual({
      ...none,
      quotaCores: 0.5,
      memoryLimitBytes: 1e9,
      memoryAvailableBytes: 0.85e9,
    });
  });

  it('of a container whose own path is not mounted: the root of the mount answers', async () => {
    await tree({
      '/proc/self/cgroup': '0::/../../elsewhere',
      '/sys/fs/cgroup/memory.max': '1000000000',
      '/sys/fs/cgroup/cpu.max': 'max 100000',
    });
    expect(readCgroup(new SystemFiles(dir))).toEqual({ ...none, memoryLimitBytes: 1e9 });
  });

  it('are not there on other systems', () => {
    expect(readCgroup(new SystemFiles(join(dir, 'nothing')))).toEqual(none);
  });
});

describe('the machine', () => {
  it('is read from procfs', async () => {
    await tree({
      '/proc/self/limits':
        'Limit                     Soft Limit           Hard Limit           Units     \n' +
        'Max processes             1000                 96365                processes \n' +
        'Max open files            1024                 524288               files     ',
      '/proc/meminfo': 'MemTotal:        8000000 kB\nMemFree:  1 kB\nMemAvailable:    6000000 kB',
      '/proc/self/stat': '1 (node) S',
      '/proc/stat': 'cpu  1 2 3 4 5 6 7 8 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0',
      '/proc/loadavg': '1.50 0.79 1.10 2/175 24367',
      '/proc/sys/net/ipv4/ip_local_port_range': '32768\t60999',
      '/proc/net/sockstat': 'sockets: used 14\nTCP: inuse 1 orphan 0 tw 204 alloc 1 mem 82',
      '/sys/devices/system/clocksource/clocksource0/current_clocksource': 'kvm-clock',
      '/sys/devices/system/clocksource/clocksource0/available_clocksource': 'tsc kvm-clock',
      '/run/systemd/timesync/synchronized': '',
      '/proc/sys/kernel/sched_autogroup_enabled': '1',
      '/proc/self/autogroup': '/autogroup-42 nice 19',
    });
    const facts = await machine();
    expect(facts).toMatchObject({
      node: { version: process.versions.node, needed: '20.19.0' },
      memory: { totalBytes: 8_192_000_000, availableBytes: 6_144_000_000, cgroupLimitBytes: undefined },
      openFilesMax: 524_288,
      threads: { userMax: 96_365 },
      ports: { ephemeral: { first: 32_768, last: 60_999 }, timeWait: 204, controlPlaneFault: undefined },
      clock: { source: 'kvm-clock', sources: ['tsc', 'kvm-clock'], synchronised: true },
      procfs: true,
      niceness: { session: 19 },
    });
    expect(facts.cpu.loadPerCore).toBeCloseTo(1.5 / facts.cpu.cores);
  });

  it.each([
    ['0.10', undefined],
    // What made it may have ended: of 400 ticks, 100 were busy.
    ['999.00', 0.25],
  ])('watches the CPU where the load of the last minute was high: %s', async (load, busyShare) => {
    const stat = (user: number, idle: number): string => `cpu  ${user} 0 0 ${idle} 0 0 0 0 0 0`;
    await tree({ '/proc/stat': stat(1000, 5000), '/proc/loadavg': `${load} 0.79 1.10 2/175 24367` });
    const timer: Clock['timer'] = (_, callback) => {
      writeFileSync(join(dir, '/proc/stat'), stat(1100, 5300));
      return systemClock.timer(0, callback);
    };
    const { cpu } = await machine({ ...systemClock, timer });
    expect(cpu.busyShare).toBe(busyShare);
  });

  it('has no niceness of a session where Linux does not schedule by sessions', async () => {
    await tree({
      '/proc/sys/kernel/sched_autogroup_enabled': '0',
      '/proc/self/autogroup': '/autogroup-42 nice 19',
    });
    expect((await machine()).niceness.session).toBeUndefined();
  });

  it('knows no limit as one', async () => {
    await tree({
      '/proc/self/limits': 'Max open files            1024                 unlimited            files',
    });
    expect((await machine()).openFilesMax).toBe(Number.POSITIVE_INFINITY);
  });

  it('without /proc is unknown, not empty', async () => {
    const facts = await machine();
    expect(facts).toMatchObject({
      openFilesMax: undefined,
      threads: { cgroupMax: undefined, userMax: undefined },
      ports: { ephemeral: undefined, timeWait: undefined },
      clock: { source: undefined, sources: [], synchronised: undefined },
      procfs: false,
    });
    expect(facts.memory.totalBytes).toBeGreaterThan(0);
    expect(facts.memory.availableBytes).toBeUndefined();
  });
});

describe('folders', () => {
  it('that are not there yet are judged by their nearest parent', () => {
    const facts = readFolder(join(dir, 'a/b/c'));
    expect(facts).toMatchObject({ path: join(dir, 'a/b/c'), fault: undefined });
    expect(facts.freeBytes).toBeGreaterThan(0);
  });

  it('below a file cannot be made', async () => {
    await writeFile(join(dir, 'file'), '');
    expect(readFolder(join(dir, 'file/reports')).fault).toBe(`${join(dir, 'file')} is not a folder`);
  });

  it('are followed through links', async () => {
    await mkdir(join(dir, 'real'));
    await symlink(join(dir, 'real'), join(dir, 'link'));
    expect(readFolder(join(dir, 'link')).fault).toBeUndefined();
  });
});

describe('tools', () => {
  it('finds what would be used, and asks nobody else', async () => {
    await writeComponents(join(dir, 'path'), 'v1.36.3');
    await writeFakeGo(join(dir, 'path'));
    await writeScript(join(dir, 'path/firefox'), '#!/bin/sh\n');
    const facts = await readToolFacts(binariesOptions(dir, {}), dir);
    expect(facts).toMatchObject({
      kubernetesVersion: 'v1.36.3',
      binaries: { found: { version: 'v1.36.3', source: 'PATH', dir: join(dir, 'path') } },
      release: undefined,
      go: { version: '1.99.0', wanted: '1.26.0', tooOld: false },
      browser: join(dir, 'path/firefox'),
      browserInstall: undefined,
    });
    expect(facts.cache.path).toBe(join(dir, 'cache/control-plane'));
  });

  it('finds the cache', async () => {
    const root = join(dir, 'cache/control-plane');
    await withCacheRoot(root, () =>
      fillCache(root, `v1.36.3-${thisPlatform.os}-${thisPlatform.arch}`, readBinarySet, async (staging) => {
        await writeComponents(staging, 'v1.36.3');
        return { version: 'v1.36.3', origin: 'a test' };
      }),
    );
    const { binaries } = await readToolFacts(binariesOptions(dir, { releaseUrl: 'https://dl.k8s.io' }), dir);
    expect(binaries).toMatchObject({ found: { source: 'cache (a test)' } });
  });

  it('finds nothing, says of each source why, and hears that the site answers', async () => {
    const site = new ReleaseSite();
    await site.listen();
    try {
      site.addRelease('v1.36.3');
      const facts = await readToolFacts(binariesOptions(dir, { releaseUrl: site.url }), dir);
      expect(facts.binaries).toEqual({
        passedOver: [expect.stringMatching(/^PATH: /), expect.stringMatching(/^cache: /)],
      });
      expect(facts).toMatchObject({
        release: { url: site.url, fault: undefined },
        go: { version: undefined },
        browser: undefined,
      });
      // A checksum, and not a binary.
      expect(site.requests).toEqual([`${site.path('v1.36.3', 'kube-apiserver')}.sha256`]);
      const other = await readToolFacts(
        binariesOptions(dir, { releaseUrl: site.url.replace('//', '//me:p@ss@'), version: 'v1.30.1' }),
        dir,
      );
      expect(other.release).toEqual({ url: site.url, fault: 'HTTP status 404' });
    } finally {
      await site.close();
    }
  });

  it('an old Go is too old', async () => {
    await tree({ '/bin/go': '#!/bin/sh\necho go1.24.1' });
    await chmod(join(dir, 'bin/go'), 0o755);
    const env = {
      PATH: [join(dir, 'bin'), 'relative'].join(delimiter),
      HOLLOWMARK_CACHE: join(dir, 'cache'),
    };
    const { go } = await readToolFacts(binariesOptions(dir, { env }), dir);
    expect(go).toEqual({ version: '1.24.1', wanted: '1.26.0', tooOld: true });
  });

  it('a folder that was named and cannot be used is a finding, a version that is none is an error', async () => {
    const facts = await readToolFacts(binariesOptions(dir, { binariesDir: dir }), dir);
    expect(facts.binaries).toMatchObject({ fault: expect.stringContaining('lacks etcd') });
    await expect(readToolFacts(binariesOptions(dir, { version: 'new' }), dir)).rejects.toBeInstanceOf(
      HollowmarkError,
    );
  });

  it.each([
    ['ID=debian', 'linux', 'apt-get install -y chromium'],
    ['NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian', 'linux', 'snap install chromium'],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"', 'linux', 'dnf install -y firefox'],
    ['ID=nixos', 'linux', undefined],
    ['', 'darwin', 'brew install --cask chromium'],
  ] as const)('%j on %s: a browser is installed with %j', (osRelease, platform, command) => {
    expect(browserInstall(osRelease, platform)).toBe(command);
  });
});
