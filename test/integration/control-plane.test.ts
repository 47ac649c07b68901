import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/base/package-info.ts';
import { componentNames } from '../../src/control-plane/components.ts';
import { type ControlPlane, defaultVersion } from '../../src/control-plane/control-plane.ts';
import { startControlPlane } from '../../src/control-plane/start.ts';
import { CertificateIssuer } from '../../src/kube/certificates.ts';
import type { ClientCertificate } from '../../src/kube/identity.ts';
import { testOptions } from './support.ts';

let dir: string;
let controlPlane: ControlPlane;
/** Of the start in beforeAll. */
let startMs: number;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'hollowmark-integration-'));
  const startedMs = performance.now();
  controlPlane = await startControlPlane({ ...testOptions(join(dir, 'state')), niceness: 3 });
  startMs = performance.now() - startedMs;
});
afterAll(async () => {
  await controlPlane?.stop();
  await rm(dir, { recursive: true, force: true });
});

type Answer = { status: number; body: string };

/** Asks the API server unless told otherwise. */
function call(
  client: ClientCertificate,
  method: string,
  path: string,
  body?: object,
  server: { port?: number; caPem?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: server.port ?? controlPlane.ports['kube-apiserver'],
      path,
      method,
      ca: server.caPem ?? controlPlane.endpoint.caPem,
      cert: client.certPem,
      key: client.keyPem,
      agent: false,
      headers: { 'content-type': 'application/json' },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: text }));
    });
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function nodeClient(name: string): Promise<ClientCertificate> {
  const issuer = await CertificateIssuer.open(controlPlane.clientAuthority, () => Date.now());
  return issuer.issueClient({ user: `system:node:${name}`, groups: ['system:nodes'] });
}

const node = (name: string): object => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });

/** Processes, guardians among them, in whose command line the text occurs. */
function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((commandLine) => commandLine.includes(text));
}

async function until(what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The 19th field of proc_pid_stat(5), counted after the name, which may hold spaces. */
function niceness(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(fields.slice(fields.lastIndexOf(')') + 2).split(' ')[16]);
}

describe('a started control plane', () => {
  it('is ready, of the version asked for, and was so soon', async () => {
    expect(controlPlane.version).toBe(defaultVersion);
    expect(await call(controlPlane.admin, 'GET', '/readyz')).toEqual({ status: 200, body: 'ok' });
    expect((await call(controlPlane.admin, 'GET', '/version')).body).toContain(
      `"gitVersion": "${defaultVersion}"`,
    );
    // 2.5 s on two idle cores; this bound only finds a start that waits for something that never comes.
    expect(startMs).toBeLessThan(30_000);
  });

  it('keeps keys and kubeconfigs to their owner', async () => {
    expect((await stat(join(dir, 'state'))).mode & 0o777).toBe(0o700);
    expect((await stat(controlPlane.kubeconfigPath)).mode & 0o777).toBe(0o600);
  });

  it('answers /metrics of controller manager and scheduler to the admin, and to nobody without certificate', async () => {
    const nobody = { certPem: '', keyPem: '' };
    for (const name of ['kube-controller-manager', 'kube-scheduler'] as const) {
      const server = { port: controlPlane.ports[name] };
      const { status, body } = await call(controlPlane.admin, 'GET', '/metrics', undefined, server);
      expect(status).toBe(200);
      expect(body).toContain('process_cpu_seconds_total');
      expect((await call(nobody, 'GET', '/metrics', undefined, server)).status).toBe(403);
    }
  });

  it('opens etcd to its own client certificate only: it has an authority of its own', async () => {
    const { endpoint, client } = controlPlane.etcd;
    const etcd = { port: controlPlane.ports.etcd, caPem: endpoint.caPem };
    expect((await call(client, 'GET', '/health', undefined, etcd)).body).toContain('"health":"true"');
    const stranger = call(controlPlane.admin, 'GET', '/health', undefined, etcd);
    await expect(stranger).rejects.toThrow(/alert|ECONNRESET|socket hang up/);
  });

  it('lets a node create itself and no other (Node authorizer, NodeRestriction)', async () => {
    const n1 = await nodeClient('n1');
    expect((await call(n1, 'POST', '/api/v1/nodes', node('n1'))).status).toBe(201);
    const other = await call(n1, 'POST', '/api/v1/nodes', node('n2'));
    expect(other.status).toBe(403);
    expect(other.body).toContain('is not allowed to modify node');
    expect((await call(n1, 'GET', '/api/v1/secrets')).status).toBe(403);
  });

  it('gives a node its pod CIDR and every namespace the root CA: the controllers work', async () => {
    const podCidr = async (): Promise<string | undefined> => {
      const { body } = await call(controlPlane.admin, 'GET', '/api/v1/nodes/n1');
      return (JSON.parse(body) as { spec: { podCIDR?: string } }).spec.podCIDR;
    };
    await until('the node has a CIDR', async () => (await podCidr()) !== undefined);
    expect(await podCidr()).toMatch(/^10\.1\d\d\.\d+\.0\/24$/);
    await until('kube-root-ca.crt is published', async () => {
      const path = '/api/v1/namespaces/default/configmaps/kube-root-ca.crt';
      return (await call(controlPlane.admin, 'GET', path)).status === 200;
    });
  });

  it('signs and accepts service-account tokens', async () => {
    const path = '/api/v1/namespaces/default/serviceaccounts/default/token';
    await until('the default service account is there', async () => {
      return (await call(controlPlane.admin, 'GET', path.replace('/token', ''))).status === 200;
    });
    const granted = await call(controlPlane.admin, 'POST', path, { spec: {} });
    const { token } = (JSON.parse(granted.body) as { status: { token: string } }).status;
    const review = await call(controlPlane.admin, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      spec: { token },
    });
    expect(review.body).toContain('system:serviceaccount:default:default');
  });

  it.runIf(process.platform === 'linux')('runs at the priority asked for, and so do its sessions', () => {
    for (const [name, pid] of Object.entries(controlPlane.pids())) {
      expect(niceness(pid), name).toBe(3);
      if (existsSync('/proc/self/autogroup')) {
        expect(readFileSync(`/proc/${pid}/autogroup`, 'utf8'), name).toMatch(/ nice 3\n$/);
      }
    }
  });

  it('restarts its API server on the same port with the same state', async () => {
    const before = controlPlane.pids();
    await controlPlane.restart('kube-apiserver');
    expect(controlPlane.pids()['kube-apiserver']).not.toBe(before['kube-apiserver']);
    expect((await call(controlPlane.admin, 'GET', '/api/v1/nodes/n1')).status).toBe(200);
    expect(controlPlane.pids().etcd).toBe(before.etcd);
  });
});

describe('the end of a control plane', () => {
  it('that loses a component is told with its name, how it ended and its last log lines', async () => {
    const pid = controlPlane.pids()['kube-scheduler'];
    process.kill(pid, 'SIGKILL');
    const failure = await controlPlane.died.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'cluster-unavailable' });
    const lines = (failure as Error).message.split('\n');
    expect(lines[0]).toBe(`kube-scheduler (pid ${pid}) was killed by SIGKILL; its last log lines:`);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.length).toBeLessThanOrEqual(11);
  });

  it('leaves no process and no state folder', async () => {
    const stateDir = join(dir, 'state');
    expect(processesWith(stateDir).length).toBeGreaterThanOrEqual(4);
    await controlPlane.stop();
    expect(processesWith(stateDir)).toEqual([]);
    expect(existsSync(stateDir)).toBe(false);
    await controlPlane.stop();
  });

  it('whose harness is killed with SIGKILL leaves no process and no state folder either', async () => {
    const stateDir = join(dir, 'killed');
    const harness = await startHarness(stateDir);
    expect(processesWith(stateDir)).toHaveLength(componentNames.length + 2);
    harness.kill('SIGKILL');
    await until('all processes are gone', () => processesWith(stateDir).length === 0);
    await until('the state folder is gone', () => !existsSync(stateDir));
  });
});

/** A harness in a process of its own, from dist/ (`npm run test:integration` builds it first). */
async function startHarness(stateDir: string): Promise<ChildProcess> {
  const script = join(dir, 'harness.mjs');
  await writeFile(
    script,
    `import { startControlPlane } from ${JSON.stringify(`${packageRoot}dist/control-plane/start.js`)};
const silent = { step() {}, progress() {}, info() {}, warn() {} };
const options = JSON.parse(process.argv[2]);
await startControlPlane({ ...options, reporter: silent, signal: new AbortController().signal });
process.stdout.write('ready\\n');
`,
  );
  const { reporter: _reporter, signal: _signal, ...plain } = testOptions(stateDir);
  const harness = spawn(process.execPath, [script, JSON.stringify(plain)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    harness.stdout.once('data', () => resolve());
    harness.once('exit', (code) => reject(new Error(`the harness ended early with code ${code}`)));
  });
  return harness;
}
