import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freeBytesMin, freeBytesToStartMin } from '../../../src/control-plane/disk-space.ts';
import { type Check, enoughFor } from '../../../src/preflight/check.ts';
import {
  diskBytesNeeded,
  idleShare,
  memoryNeededBytes,
  nodesInMemory,
  nodesOnCores,
  nodesOnDisk,
  nodesWithOpenFiles,
  openFilesNeeded,
} from '../../../src/preflight/costs.ts';
import type { MachineFacts, ToolFacts } from '../../../src/preflight/facts/facts.ts';
import { judgeAll, judgeMachine } from '../../../src/preflight/preflight.ts';
import { folder, laptop, mac, offline, server, size, smallContainer, tools } from './machines.ts';

function verdicts(checks: readonly Check[]): Record<string, string> {
  return Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]));
}

function checkOf(id: string, facts: MachineFacts, nodes = 100): Check {
  const found = judgeMachine(facts, size(nodes)).find((check) => check.id === id);
  if (found === undefined) throw new Error(`no check ${id}`);
  return found;
}

function toolCheck(id: string, facts: ToolFacts, machine = laptop()): Check | undefined {
  return judgeAll(machine, facts, size(100)).find((check) => check.id === id);
}

describe('whole machines', () => {
  it('a laptop is fit for the quickstart, and says how far it goes', () => {
    const checks = judgeAll(laptop(), tools(), size(100));
    expect(new Set(checks.map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
    expect(enoughFor(checks)).toMatchObject({ nodes: 989, limitedBy: { id: 'memory' } });
  });

  it('a server is fit for thousands', () => {
    const checks = judgeAll(server(), tools(), size(10_000));
    expect(new Set(checks.map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
    expect(enoughFor(checks)?.nodes).toBeGreaterThan(50_000);
  });

  it('a small container fails where a run is impossible and warns where it would only be bad', () => {
    expect(verdicts(judgeMachine(smallContainer(), size(500)))).toEqual({
      node: 'ok',
      cpu: 'warn',
      memory: 'warn',
      'open-files': 'fail',
      ports: 'ok',
      threads: 'fail',
      'disk-state': 'fail',
      'disk-reports': 'ok',
      clock: 'ok',
      processes: 'ok',
    });
  });

  it('a machine without /proc is not known rather than unfit', () => {
    expect(verdicts(judgeAll(mac(), tools(), size(100)))).toMatchObject({
      memory: 'unknown',
      'open-files': 'unknown',
      ports: 'unknown',
      threads: 'unknown',
      processes: 'warn',
      clock: 'ok',
    });
  });

  it('beside a control plane elsewhere much less is needed, and no state folder', () => {
    const foreign = { ...size(2_000, 0), ownControlPlane: false };
    const checks = judgeMachine(laptop({ state: folder('/state', { fault: 'full' }) }), foreign);
    expect(verdicts(checks)).not.toHaveProperty('disk-state');
    expect(new Set(checks.map(({ verdict }) => verdict))).toEqual(new Set(['ok']));
    expect(memoryNeededBytes(foreign, false)).toBeLessThan(memoryNeededBytes(size(2_000, 0), false) / 3);
  });
});

describe('checks of the machine', () => {
  it.each<[string, string, Partial<MachineFacts>, number, Partial<Check> & { said?: RegExp }]>([
    ['an old Node.js', 'node', { node: { version: '20.9.0', needed: '20.19.0' } }, 1, { verdict: 'fail' }],
    ['a newer Node.js', 'node', { node: { version: '100.0.0', needed: '20.19.0' } }, 1, { verdict: 'ok' }],
    [
      'a quota below the cores',
      'cpu',
      { cpu: { ...laptop().cpu, quotaCores: 1.25 } },
      1,
      { said: /^1\.3 of 2 cores \(cgroup quota\)/ },
    ],
    [
      'a quota above the cores',
      'cpu',
      { cpu: { ...laptop().cpu, quotaCores: 8 } },
      1,
      { said: /^2 cores, / },
    ],
    [
      'busy cores',
      'cpu',
      { cpu: { ...laptop().cpu, busyShare: 0.5 } },
      1,
      { verdict: 'warn', said: /50 % busy/ },
    ],
    [
      'load that was not watched',
      'cpu',
      { cpu: { ...laptop().cpu, busyShare: undefined, loadPerCore: 1.5 } },
      1,
      { verdict: 'warn', said: /last minute was 3/ },
    ],
    [
      'stolen time',
      'cpu',
      { cpu: { ...laptop().cpu, stealShare: 0.08 } },
      1,
      { verdict: 'warn', said: /8 % taken/ },
    ],
    [
      'more nodes than cores hold',
      'cpu',
      {},
      10_000,
      { verdict: 'warn', said: /10,000 idle nodes alone take 205 %/ },
    ],
    [
      'more nodes than memory holds',
      'memory',
      {},
      2_000,
      { verdict: 'warn', said: /^6 GB available of 8 GB/ },
    ],
    [
      'a limit of 1,024 files',
      'open-files',
      { openFilesMax: 1024 },
      500,
      { verdict: 'fail', nodesMax: 462, fix: 'sudo prlimit --pid $$ --nofile=65536:65536' },
    ],
    [
      'the same for root',
      'open-files',
      { openFilesMax: 1024, isRoot: true },
      500,
      { fix: 'ulimit -n 65536' },
    ],
    [
      'a limit far beyond the usual',
      'open-files',
      { openFilesMax: 1024 },
      50_000,
      { fix: 'sudo prlimit --pid $$ --nofile=131072:131072' },
    ],
    ['1,024 files and few nodes', 'open-files', { openFilesMax: 1024 }, 462, { verdict: 'ok' }],
    [
      'a port range of 100',
      'ports',
      { ports: { ...laptop().ports, ephemeral: { first: 60_000, last: 60_099 } } },
      100,
      { verdict: 'fail', nodesMax: 50, fix: 'sudo sysctl -w net.ipv4.ip_local_port_range="30000 65535"' },
    ],
    [
      'ports in TIME_WAIT',
      'ports',
      { ports: { ...laptop().ports, timeWait: 28_000 } },
      200,
      { verdict: 'fail', said: /^232 source ports, 28,000 in TIME_WAIT/ },
    ],
    [
      'more nodes than ports at all',
      'ports',
      {},
      40_000,
      { verdict: 'fail', fix: 'fewer nodes (--nodes), or more cores: each but one brings an address' },
    ],
    [
      'source ports where the control plane listens',
      'ports',
      { ports: { ...laptop().ports, ephemeral: { first: 1024, last: 65_535 } } },
      100,
      { verdict: 'warn' },
    ],
    [
      'no port for the control plane',
      'ports',
      { ports: { ...laptop().ports, controlPlaneFault: 'no free port' } },
      1,
      { verdict: 'fail', said: /no free port$/ },
    ],
    [
      'few threads in the cgroup',
      'threads',
      { threads: { cgroupMax: 100, cgroupNow: 60, userMax: 31_000 } },
      1,
      { verdict: 'fail', said: /^40 left in the cgroup/ },
    ],
    [
      'few threads for the user',
      'threads',
      { threads: { cgroupMax: undefined, cgroupNow: undefined, userMax: 30 } },
      1,
      { verdict: 'fail', fix: 'ulimit -u 4096' },
    ],
    [
      'the same for root',
      'threads',
      { isRoot: true, threads: { cgroupMax: undefined, cgroupNow: undefined, userMax: 30 } },
      1,
      { verdict: 'ok' },
    ],
    [
      'a full disk',
      'disk-state',
      { state: folder('/state', { freeBytes: freeBytesToStartMin - 1 }) },
      1,
      { verdict: 'fail', fix: 'export TMPDIR=/var/tmp' },
    ],
    [
      'a disk that fills up',
      'disk-state',
      { state: folder('/state', { freeBytes: 300e6 }) },
      1_000,
      { verdict: 'warn', nodesMax: 142, said: /^300 MB free in \/state; about 729 MB needed/ },
    ],
    [
      'no inodes',
      'disk-state',
      { state: folder('/var/tmp/state', { freeFiles: 3 }) },
      1,
      { verdict: 'fail', said: /^room for 3 files/, fix: 'export TMPDIR="$HOME"' },
    ],
    [
      'a read-only folder of reports',
      'disk-reports',
      { reports: folder('/reports', { fault: 'it is read-only' }) },
      1,
      { verdict: 'fail', said: /^\/reports: it is read-only/ },
    ],
    [
      'a clock in the past',
      'clock',
      { clock: { ...laptop().clock, wallMs: 0 } },
      1,
      { verdict: 'warn', said: /1970-01-01/ },
    ],
    [
      'a slow clock source',
      'clock',
      { clock: { ...laptop().clock, source: 'hpet' } },
      1,
      {
        verdict: 'warn',
        fix: 'echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource',
      },
    ],
    [
      'a clock that nobody sets',
      'clock',
      { clock: { ...laptop().clock, synchronised: false } },
      1,
      { verdict: 'warn', fix: 'sudo timedatectl set-ntp true' },
    ],
    ['priorities that cannot be set', 'processes', { reniceFault: 'EPERM' }, 1, { verdict: 'warn' }],
    [
      'a session that comes last',
      'processes',
      { niceness: { process: 0, session: 19 } },
      1,
      { verdict: 'warn', fix: 'echo 0 > /proc/self/autogroup', said: /niceness 19/ },
    ],
    [
      'a process that comes last',
      'processes',
      { niceness: { process: 10, session: undefined } },
      1,
      { verdict: 'warn', said: /started with niceness 10/ },
    ],
    [
      'a process that comes first',
      'processes',
      { niceness: { process: -5, session: -5 } },
      1,
      { verdict: 'ok' },
    ],
  ])('%s', (_, id, overrides, nodes, { said, ...expected }) => {
    const check = checkOf(id, laptop(overrides), nodes);
    expect(check).toMatchObject(expected);
    expect(check.finding).toMatch(said ?? /./);
  });

  it('count a state folder in memory as memory', () => {
    const onDisk = checkOf('memory', laptop()).nodesMax ?? 0;
    const inMemory = checkOf('memory', laptop({ state: folder('/state', { inMemory: true }) })).nodesMax ?? 0;
    expect(inMemory).toBeLessThan(onDisk);
  });

  it('need half the connections without proxies', () => {
    const facts = laptop({ openFilesMax: 1024 });
    const [check] = judgeMachine(facts, { ...size(900), proxies: false }).filter(
      ({ id }) => id === 'open-files',
    );
    expect(check).toMatchObject({ verdict: 'ok', nodesMax: 924 });
  });

  it('have a fix wherever they do not pass, and short enough for a line', () => {
    for (const facts of [smallContainer(), laptop(), mac()]) {
      for (const check of judgeAll(facts, offline({ browser: undefined }), size(40_000))) {
        if (check.verdict !== 'warn' && check.verdict !== 'fail') continue;
        expect(check.fix, check.id).toBeDefined();
        expect(check.fix?.length, check.id).toBeLessThanOrEqual(94);
      }
    }
  });
});

describe('checks of tools', () => {
  const go = (version: string | undefined, tooOld = false): ToolFacts['go'] => ({
    version,
    wanted: '1.26.0',
    tooOld,
  });

  it.each<[string, ToolFacts, Record<string, string>]>([
    [
      'binaries that are there make all else optional',
      tools({ go: go(undefined), browser: undefined }),
      { binaries: 'ok', go: 'ok', browser: 'warn' },
    ],
    [
      'binaries that can be downloaded',
      offline({ release: { url: 'https://dl.k8s.io', fault: undefined }, go: go(undefined) }),
      { binaries: 'warn', 'release-site': 'ok', go: 'ok' },
    ],
    ['binaries that can be built', offline(), { binaries: 'warn', 'release-site': 'warn', go: 'ok' }],
    ['no way to get binaries', offline({ go: go(undefined) }), { binaries: 'fail', go: 'warn' }],
    ['a Go that is too old to build', offline({ go: go('1.24.1', true) }), { binaries: 'fail', go: 'warn' }],
    [
      'a folder that cannot be used',
      tools({ binaries: { fault: 'the folder x lacks etcd', hint: 'put it there' } }),
      { binaries: 'fail', go: 'ok' },
    ],
    [
      'a cache that cannot be filled and has to be',
      offline({ cache: folder('/cache', { fault: 'read-only' }) }),
      { 'disk-cache': 'fail' },
    ],
    [
      'a cache that cannot be filled and need not be',
      tools({ cache: folder('/cache', { fault: 'read-only' }) }),
      { 'disk-cache': 'ok' },
    ],
  ])('%s', (_, facts, expected) => {
    expect(verdicts(judgeAll(laptop(), facts, size(100)))).toMatchObject(expected);
  });

  it('say what will happen, why a source has none, and what mends it', () => {
    expect(toolCheck('binaries', offline())?.finding).toContain('the first run builds them');
    const none = toolCheck('binaries', offline({ go: go(undefined) }));
    expect(none?.finding).toContain(
      'not in PATH: etcd; cache: /cache has no v1.36.3; download: no connection',
    );
    expect(none?.fix).toContain('install Go 1.26.0');
    expect(toolCheck('binaries', offline())?.fix).toBe(
      'npx hollowmark control-plane install --kubernetes-version v1.36.3',
    );
    expect(toolCheck('browser', tools({ browser: undefined }))?.fix).toBe('sudo apt-get install -y chromium');
    expect(toolCheck('release-site', tools())).toBeUndefined();
  });

  it('warn of a build for which there is too little memory', () => {
    const memory = { ...laptop().memory, availableBytes: 2e9 };
    expect(toolCheck('go', offline(), laptop({ memory }))).toMatchObject({ verdict: 'warn' });
    expect(toolCheck('go', tools(), laptop({ memory }))).toMatchObject({ verdict: 'ok' });
  });
});

describe('costs', () => {
  /** Nodes may have no share of the pods that is whole: one node more or less is rounding. */
  const nodes = fc.integer({ min: 1, max: 100_000 });
  const podsPerNode = fc.integer({ min: 0, max: 110 });

  it('say the same in both directions: what a size needs is enough for its nodes, and for no more', () => {
    fc.assert(
      fc.property(nodes, podsPerNode, fc.boolean(), fc.boolean(), (count, pods, proxies, ownControlPlane) => {
        const wanted = { nodes: count, pods: count * pods, proxies, ownControlPlane };
        const within = (max: number): boolean => Math.abs(max - count) <= 1;
        expect(within(nodesInMemory(memoryNeededBytes(wanted, true), wanted, true))).toBe(true);
        expect(within(nodesInMemory(memoryNeededBytes(wanted, false), wanted, false))).toBe(true);
        expect(within(nodesOnDisk(diskBytesNeeded(wanted), wanted))).toBe(true);
        expect(nodesWithOpenFiles(openFilesNeeded(wanted), wanted)).toBe(count);
      }),
    );
  });

  it('of CPU: as many nodes as leave half of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 128 }), (cores) => {
        const max = nodesOnCores(cores, size(1));
        expect(idleShare(cores, size(max))).toBeLessThanOrEqual(0.5);
        expect(idleShare(cores, size(max + 1))).toBeGreaterThan(0.5);
      }),
    );
  });

  it('are those of the runs from which they were derived', () => {
    // 400 nodes with 4,000 pods: 2.94 GB at the processes' highest, 296 MB of state, 889 files in the API server.
    expect(memoryNeededBytes(size(400), false) / 2.94e9).toBeCloseTo(1, 1);
    expect((diskBytesNeeded(size(400)) - freeBytesMin) / 296e6).toBeGreaterThan(1);
    expect(openFilesNeeded(size(400))).toBeGreaterThanOrEqual(889);
  });
});
