import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { CertificateIssuer, createAuthority } from '../../../src/kube/certificates.ts';
import type { FreshCredentials } from '../../../src/kube/credentials-refresher.ts';
import type { ClientCertificate } from '../../../src/kube/identity.ts';
import { readKubeconfig } from '../../../src/kube/kubeconfig.ts';

const apiVersion = 'client.authentication.k8s.io/v1';

let dir: string;
let client: ClientCertificate;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-plugin-'));
  mkdirSync(join(dir, 'bin'));
  const authority = await createAuthority('test-ca', () => systemClock.wallMs());
  const issuer = await CertificateIssuer.open(authority, () => systemClock.wallMs());
  client = await issuer.issueClient({ user: 'alice', groups: [] });
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A plugin: what it does, as JavaScript, in which `say` prints an ExecCredential with that status. */
function plugin(code: string): string {
  const path = join(dir, 'bin', 'plugin');
  const say = `const say = (status, more) => console.log(JSON.stringify({ apiVersion: '${apiVersion}', kind: 'ExecCredential', status, ...more }));`;
  writeFileSync(path, `#!${process.execPath}\n${say}\n${code}\n`);
  chmodSync(path, 0o755);
  return './bin/plugin';
}

/** What the kubeconfig's credentials are with such an `exec`. */
async function credentials(
  exec: Record<string, unknown>,
  user: Record<string, unknown> = {},
  clock = systemClock,
): Promise<FreshCredentials> {
  const path = join(dir, 'config');
  const text = JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443', 'tls-server-name': 'api.example' } }],
    users: [{ name: 'alice', user: { exec: { apiVersion, ...exec }, ...user } }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'alice' } }],
    'current-context': 'test',
  });
  writeFileSync(path, text);
  const env = { PATH: process.env['PATH'], INHERITED: 'yes' };
  return (await readKubeconfig(path, { clock, env })).credentials();
}

async function failure(reading: Promise<unknown>): Promise<HollowmarkError> {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HollowmarkError);
  return error as HollowmarkError;
}

describe('a credential plugin', () => {
  it('gives a token, and says when it expires', async () => {
    const command = plugin(`say({ token: 'fresh', expirationTimestamp: '2030-01-02T03:04:05Z' })`);
    expect(await credentials({ command })).toEqual({
      credentials: { token: 'fresh' },
      expiresAtMs: Date.UTC(2030, 0, 2, 3, 4, 5),
    });
  });

  it('gives a client certificate; what the kubeconfig says itself counts for more', async () => {
    const status = {
      token: 'fresh',
      clientCertificateData: client.certPem,
      clientKeyData: client.keyPem,
    };
    const command = plugin(`say(${JSON.stringify(status)})`);
    expect(await credentials({ command })).toEqual({ credentials: { token: 'fresh', certificate: client } });
    expect(await credentials({ command }, { token: 'own' })).toEqual({
      credentials: { token: 'own', certificate: client },
    });
  });

  it('gets its arguments, its environment and, when it asks for it, the cluster; and no terminal', async () => {
    const command = plugin(`
      const { spec } = JSON.parse(process.env.KUBERNETES_EXEC_INFO);
      const stdin = require('fs').readFileSync(0, 'utf8');
      const { INHERITED, OWN } = process.env;
      const seen = { args: process.argv.slice(2), INHERITED, OWN, spec, stdin };
      say({ token: Buffer.from(JSON.stringify(seen)).toString('hex') });
    `);
    const seen = async (exec: Record<string, unknown>): Promise<unknown> => {
      const { token = '' } = (await credentials({ command, ...exec })).credentials;
      return JSON.parse(Buffer.from(token, 'hex').toString('utf8'));
    };
    expect(await seen({ args: ['get-token', '--x'], env: [{ name: 'OWN', value: '1' }] })).toEqual({
      args: ['get-token', '--x'],
      INHERITED: 'yes',
      OWN: '1',
      spec: { interactive: false },
      stdin: '',
    });
    expect(await seen({ provideClusterInfo: true, interactiveMode: 'Never' })).toMatchObject({
      spec: { cluster: { server: 'https://10.0.0.1:6443', 'tls-server-name': 'api.example' } },
    });
  });

  it('that is not there is named, with how to install it', async () => {
    const where = /config:1:\d+: users\["alice"\]\.user\.exec: the credential plugin \S+ is not there$/;
    const missing = await failure(credentials({ command: 'no-such-plugin', installHint: 'brew install it' }));
    expect(missing).toMatchObject({ code: 'bad-input', hint: 'brew install it' });
    expect(missing.message).toMatch(where);
    expect((await failure(credentials({ command: './nowhere' }))).message).toMatch(where);
    writeFileSync(join(dir, 'bin', 'text'), 'not a program');
    expect((await failure(credentials({ command: './bin/text' }))).message).toMatch(/EACCES/);
    expect((await failure(credentials({ command: 'a\0b' }))).code).toBe('bad-input');
  });

  it('that fails or gives nothing usable is quoted', async () => {
    for (const [code, message] of [
      [
        `console.error('please log in'); process.exit(3)`,
        /failed: it ended with exit code 3: please log in$/,
      ],
      [`process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000)`, /it ended with SIGTERM$/],
      [`console.log('hello')`, /its answer is not JSON$/],
      [`console.log('null')`, /its answer is no ExecCredential of client\.auth/],
      [`say({ token: 'x' }, { apiVersion: 'client.authentication.k8s.io/v1beta1' })`, /is no ExecCredential/],
      [`say({ token: 7 })`, /neither a token nor a client certificate/],
      [`say(undefined)`, /neither a token nor a client certificate/],
      [`say({ token: 'x', expirationTimestamp: 'soon' })`, /its expirationTimestamp is no time$/],
      [
        `say({ clientCertificateData: 'x', clientKeyData: 'y' })`,
        /its clientCertificateData is no certificate/,
      ],
      [
        `say(${JSON.stringify({ clientCertificateData: client.certPem, clientKeyData: 'y' })})`,
        /its clientKeyData is no PEM text$/,
      ],
      [`process.stdout.write('x'.repeat(2_000_000))`, /it wrote more than 1048576 bytes$/],
    ] as const) {
      const error = await failure(credentials({ command: plugin(code), args: ['--a'] }));
      expect(error.message).toMatch(message);
      expect(error).toMatchObject({ code: 'cluster-unavailable' });
      expect(error.hint).toMatch(/by hand, with the arguments/);
    }
  });

  it('that gives nothing is not waited for, nor what it has started', async () => {
    const command = plugin(`
      require('child_process').spawn('sleep', ['4'], { stdio: 'inherit' }).unref();
      console.error('waiting for the browser');
      setInterval(() => {}, 1000);
    `);
    // The time limit is up as soon as the plugin has said something.
    const clock = { ...systemClock, timer: (_: number, end: () => void) => systemClock.timer(1_500, end) };
    const error = await failure(credentials({ command }, {}, clock));
    expect(error.message).toMatch(/it gave nothing within 120 s: waiting for the browser$/);
  });
});
