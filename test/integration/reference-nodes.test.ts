import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';
import { silentReporter } from '../../src/base/reporter.ts';
import { defaultVersion } from '../../src/control-plane/control-plane.ts';
import { installProgram } from '../../src/fidelity/peers/install-program.ts';
import {
  kubeletProgram,
  kubemarkProgram,
  kwokProgram,
  kwokStagesProgram,
  pauseProgram,
} from '../../src/fidelity/peers/programs.ts';
import { cgroupMounts } from '../../src/fidelity/reference/cgroups.ts';
import { workImage } from '../../src/fidelity/reference/images.ts';
import { KubemarkNodes } from '../../src/fidelity/reference/kubemark.ts';
import { KwokNodes } from '../../src/fidelity/reference/kwok.ts';
import { kubeletSysctls } from '../../src/fidelity/reference/node-config.ts';
import { RealNode } from '../../src/fidelity/reference/real-node.ts';
import type { NodeSide, SideOptions } from '../../src/fidelity/side.ts';
import { Guardian } from '../../src/journal/guardian.ts';
import { TestControlPlane, eventually } from './support.ts';

type Pod = {
  metadata: { name: string };
  spec: { nodeName?: string };
  status: { phase: string; podIP?: string; containerStatuses?: { ready: boolean; imageID: string }[] };
};

/** All of this machine that reference nodes could leave something in. */
function machineState(): Record<string, unknown> {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  return {
    mounts: mountinfo.split('\n').map((line) => line.split(' ')[4]),
    cgroups: cgroupMounts(mountinfo).flatMap((mount) =>
      readdirSync(mount).filter((name) => /^hollowmark-.*-(?:real|kubemark)-test/.test(name)),
    ),
    interfaces: readdirSync('/sys/class/net'),
    sockets: readdirSync('/tmp').filter((name) => name.startsWith('kubelet_remote_')),
    folders: ['/run/containerd', '/run/netns', '/var/lib/kubelet', '/var/lib/cni', '/var/log/pods'].filter(
      (path) => existsSync(path),
    ),
    settings: [...Object.keys(kubeletSysctls), '/proc/sys/net/ipv4/ip_forward'].map((path) =>
      readFileSync(path, 'utf8'),
    ),
  };
}

/** The processes of which a file in `/proc` has the text: by arguments (`cmdline`), or by what they have mounted. */
function processesWith(text: string, file: 'cmdline' | 'mountinfo' = 'cmdline'): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const found = /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(text);
      return found ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });
}

let cluster: TestControlPlane;
let dir: string;
let guardian: Guardian;
let abort: AbortController;
let before: Record<string, unknown>;
let side: NodeSide | undefined;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-test-'));
  guardian = new Guardian(join(dir, 'guarded'));
  // Here, where minutes are allowed: a start that finds them takes seconds.
  const install = { reporter: silentReporter, signal: new AbortController().signal, children: guardian };
  const programs = [kubeletProgram(defaultVersion), kubemarkProgram(defaultVersion)];
  for (const program of [...programs, pauseProgram, kwokProgram, kwokStagesProgram]) {
    await installProgram(program, install);
  }
  cluster = await TestControlPlane.start();
});
afterAll(async () => {
  await guardian.release();
  rmSync(dir, { recursive: true, force: true });
  await cluster.stop();
});
afterEach(async () => {
  await side?.stop();
  side = undefined;
});

function sideOptions(name: string, nodeNames: string[], proxies: boolean): SideOptions {
  const { controlPlane, admin } = cluster;
  before = machineState();
  abort = new AbortController();
  return {
    endpoint: controlPlane.endpoint,
    admin: admin.client,
    authority: controlPlane.clientAuthority,
    version: controlPlane.version,
    nodeNames,
    proxies,
    stateDir: join(dir, name),
    children: guardian,
    onLost: () => {},
    reporter: silentReporter,
    signal: abort.signal,
  };
}

/** Nothing may be left of nodes whose state is in `<dir>/<name>`. */
function expectGone(name: string): void {
  expect(existsSync(join(dir, name))).toBe(false);
  expect(processesWith(join(dir, name))).toEqual([]);
  expect(processesWith(join(dir, name), 'mountinfo')).toEqual([]);
  expect(machineState()).toEqual(before);
}

async function readPod(name: string): Promise<Pod | undefined> {
  const { status, body } = await cluster.admin.call<Pod>('GET', `/api/v1/namespaces/default/pods/${name}`);
  return status === 404 ? undefined : body;
}

/** A pod that runs until it is told to end, on one node. */
async function createPod(name: string, nodeName: string): Promise<void> {
  const { status } = await cluster.admin.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': nodeName },
      terminationGracePeriodSeconds: 5,
      containers: [
        {
          name: 'work',
          image: workImage,
          imagePullPolicy: 'IfNotPresent',
          command: ['sh', '-c', 'trap "exit 0" TERM; sleep 3617 & wait'],
        },
      ],
    },
  });
  expect(status).toBe(201);
}

async function becomesRunning(name: string): Promise<Pod> {
  let pod: Pod | undefined;
  await eventually(`${name} is Running`, async () => {
    pod = await readPod(name);
    return pod?.status.phase === 'Running' && pod.status.containerStatuses?.[0]?.ready === true;
  });
  return pod as Pod;
}

async function deletePod(name: string): Promise<void> {
  await cluster.admin.call('DELETE', `/api/v1/namespaces/default/pods/${name}`);
  await eventually(`${name} is gone`, async () => (await readPod(name)) === undefined);
}

describe('a real node', () => {
  it('runs a pod in real containers, leaves, returns, and leaves nothing behind', async () => {
    side = new RealNode(sideOptions('real', ['real-test-0'], false));
    await side.start();
    await createPod('one', 'real-test-0');
    const pod = await becomesRunning('one');
    expect(pod.status.podIP).toMatch(/^10\.88\./);
    expect(processesWith('sleep\x003617')).toHaveLength(1);
    const inside = processesWith(join(dir, 'real'), 'mountinfo').join('\n');
    for (const program of ['pause', 'kubelet', 'containerd', 'containerd-shim-runc-v2', 'sleep 3617']) {
      expect(inside).toContain(program);
    }

    await side.leave();
    // What it has just forked has its arguments for a moment longer.
    const ofKubelet = (): string[] => processesWith('--hostname-override=real-test-0');
    await eventually('the kubelet is gone', () => ofKubelet().length === 0);
    await side.return();
    expect((await readPod('one'))?.status.phase).toBe('Running');
    await deletePod('one');
    expect(processesWith('sleep\x003617')).toEqual([]);

    await createPod('two', 'real-test-0');
    await becomesRunning('two');
    await side.stop();
    expectGone('real');
  });

  it('whose start is interrupted leaves nothing behind', async () => {
    const options = sideOptions('real', ['real-test-1'], false);
    side = new RealNode(options);
    const started = side.start();
    await eventually('a kubelet', () => processesWith('--hostname-override=real-test-1').length > 0);
    abort.abort(new Error('Ctrl-C'));
    await expect(started).rejects.toMatchObject({ code: 'interrupted' });
    expectGone('real');
  });

  it('goes when the process that started it is killed', async () => {
    const { endpoint, authority, version, nodeNames, stateDir } = sideOptions('real', ['real-test-2'], false);
    const options = JSON.stringify({ endpoint, authority, version, nodeNames, proxies: false, stateDir });
    const script = `
      import { Guardian } from '${packageRoot}dist/journal/guardian.js';
      import { RealNode } from '${packageRoot}dist/fidelity/reference/real-node.js';
      import { silentReporter as reporter } from '${packageRoot}dist/base/reporter.js';
      const options = ${options};
      const admin = { request: () => new Promise(() => {}) };
      const children = new Guardian(options.stateDir);
      const { signal } = new AbortController();
      await new RealNode({ ...options, admin, children, reporter, signal }).start();
    `;
    const harness = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    await eventually('a kubelet', () => processesWith('--hostname-override=real-test-2').length > 0);
    harness.kill('SIGKILL');
    await eventually('nothing is left', () => {
      try {
        expectGone('real');
        return true;
      } catch {
        return false;
      }
    });
    expectGone('real');
  });
});

describe('kubemark', () => {
  it('runs pods on two nodes with proxies, leaves, returns, and leaves nothing behind', async () => {
    const names = ['kubemark-test-0', 'kubemark-test-1'];
    side = new KubemarkNodes(sideOptions('kubemark', names, true));
    await side.start();
    for (const name of names) await createPod(`on-${name}`, name);
    for (const name of names) expect((await becomesRunning(`on-${name}`)).spec.nodeName).toBe(name);
    expect(processesWith('--morph=proxy')).toHaveLength(2);

    await side.leave();
    expect(processesWith('--morph=')).toEqual([]);
    await side.return();
    for (const name of names) await deletePod(`on-${name}`);
    await side.stop();
    expectGone('kubemark');
  });
});

describe('KWOK', () => {
  it('plays nodes and a pod on one of them, leaves, returns, and leaves nothing behind', async () => {
    const kwok = new KwokNodes(sideOptions('kwok', ['kwok-test-0', 'kwok-test-1'], false));
    side = kwok;
    await side.start();
    await createPod('played', 'kwok-test-1');
    expect((await becomesRunning('played')).spec.nodeName).toBe('kwok-test-1');
    expect(Object.keys(kwok.pids())).toEqual(['kwok']);
    await side.leave();
    expect(kwok.pids()).toEqual({});
    await side.return();
    await deletePod('played');
    await side.stop();
    expectGone('kwok');
  });
});
