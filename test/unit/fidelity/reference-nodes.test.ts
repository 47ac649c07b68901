import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silentReporter } from '../../../src/base/reporter.ts';
import { installProgram } from '../../../src/fidelity/peers/install-program.ts';
import { kubeletProgram, kubemarkProgram, pauseProgram } from '../../../src/fidelity/peers/programs.ts';
import { cgroupMounts, makeCgroup } from '../../../src/fidelity/reference/cgroups.ts';
import { requireHostPrograms } from '../../../src/fidelity/reference/host-programs.ts';
import { workImage, writeWorkImage } from '../../../src/fidelity/reference/images.ts';
import { KubemarkNodes, kubemarkArgs } from '../../../src/fidelity/reference/kubemark.ts';
import { KwokNodes } from '../../../src/fidelity/reference/kwok.ts';
import { isReadySince } from '../../../src/fidelity/reference/node-readiness.ts';
import { containerdConfig, kubeletArgs, kubeletConfig } from '../../../src/fidelity/reference/node-config.ts';
import { RealNode } from '../../../src/fidelity/reference/real-node.ts';
import { SideProcesses } from '../../../src/fidelity/reference/side-processes.ts';
import type { SideOptions } from '../../../src/fidelity/side.ts';
import { makeTempDir, recordingReporter, writeFakeGo, writeScript } from '../control-plane/fixtures.ts';

let dir: string;
let remove: () => Promise<void>;

beforeEach(async () => {
  ({ dir, remove } = await makeTempDir());
});
afterEach(() => remove());

const children = { add: (): void => {}, remove: (): void => {} };
const { signal } = new AbortController();

describe('programs to compare with', () => {
  it('are built once, then come from the cache', async () => {
    await writeFakeGo(join(dir, 'path'));
    const env = { PATH: join(dir, 'path'), HOLLOWMARK_CACHE: join(dir, 'cache') };
    const reporter = recordingReporter();
    const install = (): Promise<string> =>
      installProgram(kubeletProgram('v1.36.3'), { reporter, signal, children, env });
    const path = await install();
    expect(path.startsWith(join(dir, 'cache', 'peers', 'kubelet-'))).toBe(true);
    expect(await install()).toBe(path);
    expect(await readFile(join(dir, 'path', 'builds'), 'utf8')).toBe('built\n');
    expect(reporter.texts('step')).toEqual([
      'Building the kubelet v1.36.3 from Go modules (about 5 min on two cores, once)',
    ]);
  });

  it('have entries of their own in the cache', async () => {
    await writeFakeGo(join(dir, 'path'));
    const env = { PATH: join(dir, 'path'), HOLLOWMARK_CACHE: join(dir, 'cache') };
    const programs = [kubeletProgram('v1.36.3'), kubemarkProgram('v1.36.3'), pauseProgram];
    for (const program of programs) {
      await installProgram(program, { reporter: silentReporter, signal, children, env });
    }
    expect(await readdir(join(dir, 'cache', 'peers'))).toHaveLength(3);
  });

  it('that cannot be built are told with what to do', async () => {
    const env = { PATH: dir, HOLLOWMARK_CACHE: join(dir, 'cache') };
    const options = { reporter: silentReporter, signal, children, env };
    await expect(installProgram(pauseProgram, options)).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message: 'the pause program cannot be built: Go is not installed (no `go` in PATH)',
      hint: expect.stringContaining('https://go.dev/dl') as string,
    });
    expect(await readdir(dir)).toEqual([]);
  });

  it('whose build is interrupted are no fault of the machine', async () => {
    await writeFakeGo(join(dir, 'path'));
    const env = { PATH: join(dir, 'path'), HOLLOWMARK_CACHE: join(dir, 'cache') };
    const options = { reporter: silentReporter, signal: AbortSignal.abort(), children, env };
    await expect(installProgram(pauseProgram, options)).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('what a real node needs of this machine', () => {
  it('is named with the packages that have it', async () => {
    // Root is what integration tests are run as; for others that is the first thing that is missing.
    if (process.getuid?.() !== 0) {
      await expect(requireHostPrograms()).rejects.toMatchObject({ code: 'bad-input' });
      return;
    }
    await writeScript(join(dir, 'busybox'), '#!/bin/sh\n/lib64/ld-linux-x86-64.so.2\n');
    await expect(requireHostPrograms({ PATH: dir }, [])).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(/containerd, .*runc, .*a statically linked busybox/) as string,
      hint: expect.stringMatching(/^apt-get install -y containerd runc .*busybox-static$/) as string,
    });
  });
});

describe('cgroup file systems', () => {
  it('are found in version 1, in version 2, and in both at once', () => {
    const v1 = '33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct';
    const v2 = '32 31 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw';
    const other = '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755';
    const blank = '40 31 0:31 / /mnt/a\\040b rw - cgroup2 none rw';
    expect(cgroupMounts([other, v1, v2, v1, blank, ''].join('\n'))).toEqual([
      '/sys/fs/cgroup/cpu,cpuacct',
      '/sys/fs/cgroup/unified',
      '/mnt/a b',
    ]);
    const memory = v1.replaceAll('cpu,cpuacct', 'memory');
    expect(cgroupMounts([v1, v2, memory].join('\n'), 'cpu')).toEqual([
      '/sys/fs/cgroup/cpu,cpuacct',
      '/sys/fs/cgroup/unified',
    ]);
  });
});

describe('a cgroup of our own', () => {
  const wanted = new Set(['memory', 'pids']);

  it('has the controllers of version 2 handed down that were not yet, until it is removed', async () => {
    const control = join(dir, 'cgroup.subtree_control');
    await writeFile(join(dir, 'cgroup.controllers'), 'memory pids rdma\n');
    await writeFile(control, 'memory\n');
    const cgroup = await makeCgroup('own', [dir], wanted);
    expect(cgroup.path).toBe('/own');
    expect(await readFile(control, 'utf8')).toBe('+pids');
    await mkdir(join(dir, 'own', 'pod'));
    expect(await cgroup.remove()).toBe(true);
    expect(await readFile(control, 'utf8')).toBe('-pids');
    expect((await readdir(dir)).toSorted()).toEqual(['cgroup.controllers', 'cgroup.subtree_control']);
  });

  it('leaves version 1 alone, and nothing when it cannot be made', async () => {
    const cgroup = await makeCgroup('own', [dir], wanted);
    expect(await readdir(dir)).toEqual(['own']);
    expect(await cgroup.remove()).toBe(true);
    await expect(makeCgroup('own', [dir, join(dir, 'missing')], wanted)).rejects.toThrow('ENOENT');
    expect(await readdir(dir)).toEqual([]);
  });
});

describe('the image of pods', () => {
  it('is what docker save writes: a manifest, a configuration that names its layer by digest, the layer', async () => {
    const busybox = join(dir, 'fake-busybox');
    await writeScript(busybox, '#!/bin/sh\nprintf "[\\nbusybox\\nsh\\n"\n');
    const images = join(dir, 'images');
    await mkdir(images);
    const path = await writeWorkImage(images, busybox, { env: process.env, signal });
    expect(await readdir(images)).toEqual(['busybox.tar']);
    const file = (name: string): Buffer => execFileSync('tar', ['-xOf', path, name]);
    const layer = file('layer.tar');
    const digest = createHash('sha256').update(layer).digest('hex');
    expect(JSON.parse(file('manifest.json').toString())).toEqual([
      { Config: 'config.json', RepoTags: [workImage], Layers: ['layer.tar'] },
    ]);
    expect(JSON.parse(file('config.json').toString())).toMatchObject({
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
    });
    const names = execFileSync('tar', ['-tf', '-'], { input: layer }).toString().split('\n');
    expect(names).toEqual(expect.arrayContaining(['./bin/busybox', './bin/sh', './bin/[', './tmp/']));
  });
});

describe('configuration', () => {
  it('of containerd quotes its paths', () => {
    const text = containerdConfig({ binDir: '/usr/lib/cni', confDir: '/a "b"' });
    expect(text).toContain('conf_dir = "/a \\"b\\""');
    expect(text).toContain('restrict_oom_score_adj = true');
    expect(text).toContain('snapshotter = "native"');
  });

  it("of a kubelet is Kubernetes' own but for what keeps the node to itself", () => {
    const config = kubeletConfig({ cgroupRoot: '/own', port: 20_123, resolvConf: '/a/resolv.conf' });
    expect(config).toMatchObject({ cgroupRoot: '/own', port: 20_123, failCgroupV1: false });
    // These decide what a node sends: the reference must have them as everybody has.
    for (const name of ['kubeAPIQPS', 'eventRecordQPS', 'nodeStatusUpdateFrequency', 'contentType']) {
      expect(config).not.toHaveProperty(name);
    }
    expect(kubeletArgs('n', { config: '/c', kubeconfig: '/k' })).toEqual([
      '--config=/c',
      '--kubeconfig=/k',
      '--hostname-override=n',
    ]);
  });

  it('of kubemark gives ports to kubelets only', () => {
    const place = { kubeconfig: 'kubeconfig', port: 20_123 };
    expect(kubemarkArgs('kubelet', 'n', place)).toEqual([
      '--morph=kubelet',
      '--name=n',
      '--kubeconfig=kubeconfig',
      '--use-host-image-service=false',
      '--kubelet-port=20123',
      '--kubelet-read-only-port=0',
    ]);
    expect(kubemarkArgs('proxy', 'n', place)).toEqual([
      '--morph=proxy',
      '--name=n',
      '--kubeconfig=kubeconfig',
    ]);
  });
});

describe('a node', () => {
  const node = (status: string, heartbeatMs: number): Parameters<typeof isReadySince>[0] => ({
    status: {
      conditions: [
        { type: 'DiskPressure', status: 'True' },
        {
          type: 'Ready',
          status,
          // As Kubernetes writes it: in whole seconds.
          lastHeartbeatTime: new Date(heartbeatMs).toISOString().replace(/\.\d+Z$/, 'Z'),
        },
      ],
    },
  });

  it('is Ready when it has said so since its start, whatever was cut off the time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_700_000_000_000, max: 1_900_000_000_000 }),
        fc.integer({ min: 0, max: 100_000 }),
        (startMs, laterMs) => {
          expect(isReadySince(node('True', startMs + laterMs), startMs)).toBe(true);
          expect(isReadySince(node('True', startMs - 1_000 - laterMs), startMs)).toBe(false);
          expect(isReadySince(node('Unknown', startMs + laterMs), startMs)).toBe(false);
        },
      ),
    );
    expect(isReadySince(undefined, 0)).toBe(false);
    expect(isReadySince({}, 0)).toBe(false);
  });

  const options = (nodeNames: string[], proxies: boolean): SideOptions => ({
    endpoint: { url: 'https://127.0.0.1:1', caPem: '' },
    admin: { request: () => Promise.reject(new Error('not asked')) },
    authority: { certPem: '', keyPem: '' },
    version: 'v1.36.3',
    nodeNames,
    proxies,
    stateDir: join(dir, 'state'),
    children,
    onLost: () => {},
    reporter: silentReporter,
    signal,
  });

  it('that is real is one, and has no proxy', () => {
    for (const wrong of [options(['a', 'b'], false), options([], false), options(['a'], true)]) {
      expect(() => new RealNode(wrong)).toThrow('one real node only');
    }
  });

  it('of KWOK has no proxy', () => {
    expect(() => new KwokNodes(options(['a'], true))).toThrow('KWOK has no proxies');
  });

  it('whose process ends by itself are told with its last words, those that are ended are not', async () => {
    const lost: Error[] = [];
    const gone: number[] = [];
    const register = { add: (): void => {}, remove: (pid: number) => gone.push(pid) };
    const processes = new SideProcesses(dir, process.env, {
      children: register,
      onLost: (error) => lost.push(error),
    });
    const killed = await processes.start('kubelet-a', ['sleep', '60']);
    const died = await processes.start('kubelet-b', [
      'sh',
      '-c',
      'echo first; echo "no such disk" >&2; exit 3',
    ]);
    await vi.waitFor(() => expect(lost).toHaveLength(1), 5_000);
    expect(lost[0]).toMatchObject({
      code: 'cluster-unavailable',
      message: `kubelet-b (pid ${died}) exited with code 3; its last log lines:\nfirst\nno such disk`,
    });
    await expect(processes.requireAll()).rejects.toThrow('no such disk');
    await processes.kill('kubelet-a');
    await vi.waitFor(() => expect(new Set(gone)).toEqual(new Set([killed, died])), 5_000);
    await processes.killAll();
    expect(lost).toHaveLength(1);
  });

  it('that was never started can be stopped, twice', async () => {
    await writeFile(join(dir, 'kept'), '');
    const sides = [
      new RealNode(options(['a'], false)),
      new KubemarkNodes(options(['a'], true)),
      new KwokNodes(options(['a'], false)),
    ];
    for (const side of sides) {
      await side.stop();
      await side.stop();
    }
    expect(await readdir(dir)).toEqual(['kept']);
  });
});
