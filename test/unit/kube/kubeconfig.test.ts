import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { CertificateIssuer, createAuthority } from '../../../src/kube/certificates.ts';
import type { ClientCertificate } from '../../../src/kube/identity.ts';
import { type Kubeconfig, readKubeconfig } from '../../../src/kube/kubeconfig.ts';

const yearMs = 365 * 24 * 60 * 60 * 1000;

let dir: string;
let caPem: string;
let client: ClientCertificate;
let other: ClientCertificate;
let expired: ClientCertificate;
let early: ClientCertificate;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-kubeconfig-'));
  const wallMs = (): number => systemClock.wallMs();
  const authority = await createAuthority('test-ca', wallMs);
  caPem = authority.certPem;
  const issuer = await CertificateIssuer.open(authority, wallMs);
  const subject = { user: 'alice', groups: [] };
  client = await issuer.issueClient(subject);
  other = await issuer.issueClient(subject);
  expired = await (await CertificateIssuer.open(authority, () => wallMs() - 2 * yearMs)).issueClient(subject);
  early = await (await CertificateIssuer.open(authority, () => wallMs() + yearMs)).issueClient(subject);
  for (const [name, text] of [
    ['ca.crt', caPem],
    ['alice.crt', client.certPem],
    ['alice.key', client.keyPem],
    ['token', 'from-a-file\n'],
    ['empty', ''],
    ['binary', '\0\u0001\u0002'],
  ] as const) {
    writeFileSync(join(dir, name), text);
  }
  mkdirSync(join(dir, 'folder'));
  spawnSync('sh', ['-c', 'mkfifo "$0"', join(dir, 'pipe')]);
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

const base64 = (text: string): string => Buffer.from(text).toString('base64');

type Fields = Record<string, unknown>;

const server = 'https://10.0.0.1:6443';

/** A kubeconfig with one context, as JSON, which is YAML. */
function config(cluster: Fields = {}, user: Fields = {}, rest: Fields = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'alice', user: Object.keys(user).length === 0 ? { token: 'secret' } : user }],
    contexts: [{ name: 'test', context: { cluster: 'c', user: 'alice' } }],
    'current-context': 'test',
    ...rest,
  });
}

function write(text: string | Uint8Array, name = 'config'): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const read = (text: string, context?: string): Promise<Kubeconfig> =>
  readKubeconfig(write(text), { context, env: {} });

/** The error's message, without the folder, and its hint. */
async function failure(reading: Promise<unknown>): Promise<{ message: string; hint: string }> {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HollowmarkError);
  const { code, message, hint } = error as HollowmarkError;
  expect(code).toBe('bad-input');
  expect(message).not.toMatch(/\n/);
  return { message: message.replaceAll(`${dir}/`, ''), hint: hint ?? '' };
}

describe('a kubeconfig', () => {
  it('says server, how it is reached, and who we are to it', async () => {
    const kubeconfig = await read(
      config(
        {
          server: `${server}/k8s/clusters/c-1/`,
          'certificate-authority-data': base64(caPem),
          'tls-server-name': 'api.example',
          'proxy-url': 'socks5://127.0.0.1:1080',
        },
        {
          'client-certificate-data': base64(client.certPem),
          'client-key-data': base64(client.keyPem),
          token: 'secret',
        },
        { contexts: [{ name: 'test', context: { cluster: 'c', user: 'alice', namespace: 'web' } }] },
      ),
    );
    expect(kubeconfig).toMatchObject({ context: 'test', cluster: 'c', user: 'alice', namespace: 'web' });
    expect(kubeconfig.endpoint).toEqual({
      url: `${server}/k8s/clusters/c-1`,
      caPem,
      serverName: 'api.example',
      proxyUrl: 'socks5://127.0.0.1:1080',
      minTlsVersion: 'TLSv1.2',
    });
    expect(await kubeconfig.credentials()).toEqual({ credentials: { certificate: client, token: 'secret' } });
  });

  it('may name files beside it, which are read again each time', async () => {
    const { endpoint, credentials } = await read(
      config(
        { 'certificate-authority': 'ca.crt' },
        {
          'client-certificate': 'alice.crt',
          'client-key': join(dir, 'alice.key'),
          tokenFile: './token',
          token: 'old',
        },
      ),
    );
    expect(endpoint.caPem).toBe(caPem);
    expect(await credentials()).toEqual({
      credentials: { certificate: client, token: 'from-a-file' },
      recheckAfterMs: 60_000,
    });
    writeFileSync(join(dir, 'token'), 'renewed');
    expect((await credentials()).credentials.token).toBe('renewed');
    rmSync(join(dir, 'token'));
    await expect(credentials()).rejects.toThrow(/tokenFile names .*token: there is no such file/);
    writeFileSync(join(dir, 'token'), 'back');
    expect((await credentials()).credentials.token).toBe('back');
  });

  it('counts what stands in it for more than a file, and null and empty values for nothing', async () => {
    const { endpoint, credentials } = await read(
      config(
        { 'certificate-authority-data': base64(caPem), 'certificate-authority': 'nowhere', 'proxy-url': '' },
        { token: 'secret', 'client-certificate': null, exec: null, username: '' },
      ),
    );
    expect(endpoint).toEqual({ url: server, caPem, minTlsVersion: 'TLSv1.2' });
    expect(await credentials()).toEqual({ credentials: { token: 'secret' } });
  });

  it('leads through the proxy of the environment where it names none', async () => {
    const env = { HTTPS_PROXY: 'proxy.example:3128' };
    const proxyOf = async (text: string): Promise<string | undefined> =>
      (await readKubeconfig(write(text), { env })).endpoint.proxyUrl;
    expect(await proxyOf(config())).toBe('http://proxy.example:3128');
    expect(await proxyOf(config({ 'proxy-url': 'socks5://a.example' }))).toBe('socks5://a.example');
    const wrong = readKubeconfig(write(config()), { env: { HTTPS_PROXY: 'ftp://x' } });
    expect((await failure(wrong)).message).toMatch(/^the environment variable HTTPS_PROXY/);
  });

  it('may do without verification, and has contexts to choose from', async () => {
    const contexts = ['a', 'b'].map((name) => ({ name, context: { cluster: 'c', user: 'alice' } }));
    const text = config({ 'insecure-skip-tls-verify': true }, {}, { contexts, 'current-context': 'a' });
    expect((await read(text)).context).toBe('a');
    const chosen = await read(text, 'b');
    expect(chosen.context).toBe('b');
    expect(chosen.endpoint).toEqual({
      url: server,
      caPem: undefined,
      insecure: true,
      minTlsVersion: 'TLSv1.2',
    });
  });

  it('is not asked about entries that the context does not name', async () => {
    const broken = [{ name: 'x', cluster: 7 }, null, 'c', { cluster: {} }];
    const text = config(
      {},
      {},
      {
        clusters: [...broken, { name: 'c', cluster: { server } }],
        users: [
          { name: 'x', user: { 'token-file': join(dir, 'pipe') } },
          { name: 'alice', user: { token: 'x' } },
        ],
      },
    );
    expect((await read(text)).endpoint.url).toBe(server);
  });

  it('is read as YAML with anchors and merges, too', async () => {
    const text = `
clusters:
- name: c
  cluster: &base
    server: ${server}
- {name: d, cluster: {<<: *base, tls-server-name: d.example}}
users: [{name: alice, user: {token: secret}}]
contexts: [{name: test, context: {cluster: d, user: alice}}]
current-context: test
`;
    expect((await read(text)).endpoint).toMatchObject({ url: server, serverName: 'd.example' });
  });
});

describe('a broken kubeconfig', () => {
  it('that is no file, or not YAML, or something else, is named', async () => {
    const expectFault = async (path: string, message: string | RegExp): Promise<void> => {
      const said = await failure(readKubeconfig(path));
      expect(said.message).toMatch(typeof message === 'string' ? new RegExp(`^${message}$`) : message);
      expect(said.hint).toMatch(/kubeconfig/);
    };
    for (const [path, message] of [
      ['missing', 'missing: there is no such file'],
      ['ca.crt/x', 'ca.crt/x: there is no such file'],
      ['folder', 'folder: a folder, not a file'],
      ['pipe', 'pipe: not a regular file'],
      ['empty', 'empty: the file is empty'],
      ['binary', 'binary: a binary file'],
    ] as const) {
      await expectFault(join(dir, path), message);
    }
    for (const [text, message] of [
      [Buffer.from([0x6b, 0xff, 0xfe]), 'config: not UTF-8 text'],
      ['kind: Config\nusers: [1', /^config:2:\d+: not YAML: /],
      ['a: *b\nkind: Config', /^config: cannot be read as YAML: Unresolved alias/],
      ['['.repeat(100_000), 'config: nested too deep for a kubeconfig'],
      ['- '.repeat(100_000), 'config: nested too deep for a kubeconfig'],
      ['a: b\n'.repeat(100_000), 'config: too much for a kubeconfig'],
      ['just text', /^config: not a kubeconfig/],
      ['[]', /^config: not a kubeconfig/],
      ['kind: Pod\nmetadata: {}', /^config: not a kubeconfig/],
      ['x'.repeat(5_000_000), 'config: larger than 1048576 bytes'],
    ] as const) {
      await expectFault(write(text), message);
    }
  });

  it('that may not be read, is named', async () => {
    const path = write(config(), 'secret');
    chmodSync(path, 0);
    // Root may read everything.
    if (process.getuid?.() === 0) expect((await readKubeconfig(path)).context).toBe('test');
    else expect((await failure(readKubeconfig(path))).message).toBe('secret: no permission to read the file');
  });

  it('lists the contexts that there are, the nearest first', async () => {
    const contexts = ['alpha', 'beta', 'production'].map((name) => ({ name, context: {} }));
    const some = (current?: string): string => config({}, {}, { contexts, 'current-context': current });
    expect(await failure(read(some(), 'producton'))).toEqual({
      message: 'config: there is no context "producton"',
      hint: 'choose one with --context: "production", "alpha", "beta"',
    });
    expect(await failure(read(some()))).toEqual({
      message: 'config: has no current-context',
      hint: 'choose one with --context: "alpha", "beta", "production"',
    });
    expect((await failure(read(some('bet')))).hint).toMatch(/: "beta", "alpha"/);
    expect((await failure(read(config({}, {}, { contexts: null })))).hint).toBe(
      'the file has no contexts at all',
    );
  });

  it('does not choose between two entries of one name', async () => {
    const twice = ['one', 'two'].map((user) => ({ name: 'same', context: { cluster: 'test', user } }));
    expect(await failure(read(config({}, {}, { contexts: twice, 'current-context': 'same' })))).toMatchObject(
      {
        message: expect.stringMatching(/^config:\d+:\d+: there are two contexts "same"$/) as unknown,
      },
    );
  });

  it('names the entry and what is wrong with it', async () => {
    const context = (fields: Fields): Fields => ({ contexts: [{ name: 'test', context: fields }] });
    const pair = (cert: string, key: string): Fields => ({
      'client-certificate-data': base64(cert),
      'client-key-data': base64(key),
    });
    const encrypted = client.keyPem.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE');
    const exec = (fields: Fields): Fields => ({
      exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'x', ...fields },
    });
    const cluster = 'clusters["c"].cluster';
    const user = 'users["alice"].user';
    const cases: [text: string, message: string, hint?: RegExp][] = [
      [config({}, {}, context({ user: 'alice' })), 'contexts["test"].context.cluster is missing'],
      [config({}, {}, context({ cluster: 'c' })), 'contexts["test"].context.user is missing'],
      [
        config({}, {}, context({ cluster: 'd', user: 'alice' })),
        'contexts["test"].context.cluster names "d", and there is no such cluster',
        /clusters that there are: "c"/,
      ],
      [
        config({}, {}, context({ cluster: 'c', user: 'alcie' })),
        'contexts["test"].context.user names "alcie", and there is no such user',
        /users that there are: "alice"/,
      ],
      [config({}, {}, { contexts: 'x' }), 'contexts must be a list, not a string'],
      [config({}, {}, { clusters: { c: {} } }), 'clusters must be a list, not a map'],
      [config({}, {}, { 'current-context': 7 }), 'current-context must be a text, not a number'],
      [config({ server: undefined }), `${cluster}.server is missing`, /https:\/\//],
      [config({ server: 7 }), `${cluster}.server must be a text, not a number`],
      [config({ server: 'http://10.0.0.1' }), `${cluster}.server is not encrypted: http:// would send`],
      [config({ server: '10.0.0.1:6443' }), `${cluster}.server must be an https:// URL`],
      [config({ server: 'https://' }), `${cluster}.server must be an https:// URL`],
      [config({ server: 'https://a:b@c.example' }), `${cluster}.server must have nothing but`],
      [
        config({ 'proxy-url': 'ftp://x' }),
        `${cluster}.proxy-url cannot be used: the proxy is not an http://`,
      ],
      [config({ 'tls-server-name': 'a b' }), `${cluster}.tls-server-name is no name`],
      [config({ 'insecure-skip-tls-verify': 'yes' }), `${cluster}.insecure-skip-tls-verify must be true or`],
      [
        config({ 'insecure-skip-tls-verify': true, 'certificate-authority': 'ca.crt' }),
        `${cluster}.insecure-skip-tls-verify is true, and`,
      ],
      [config({ 'certificate-authority-data': '!' }), `${cluster}.certificate-authority-data is not base64`],
      [
        config({ 'certificate-authority-data': base64('x') }),
        `${cluster}.certificate-authority-data is no certificate: it has no -----BEGIN`,
      ],
      [
        config({ 'certificate-authority-data': base64(caPem.replace(/\n.{20}/, '\n')) }),
        `${cluster}.certificate-authority-data is no certificate: its PEM text cannot be read`,
      ],
      [
        config({ 'certificate-authority': 'nowhere.crt' }),
        `${cluster}.certificate-authority names nowhere.crt: there is no such file`,
      ],
      [config({ 'certificate-authority': 'pipe' }), `${cluster}.certificate-authority names pipe: not a reg`],
      [config({ 'certificate-authority': 'a\0b' }), `${cluster}.certificate-authority names a\0b: the file`],
      [config({}, { x: 1 }), `${user} has no credentials`, /client certificate/],
      [config({}, { token: 12 }), `${user}.token must be a text, not a number`, /quotes/],
      [config({}, { token: 'a\nb' }), `${user}.token is no token`],
      [config({}, { tokenFile: 'nowhere' }), `${user}.tokenFile names nowhere: there is no such file`],
      [config({}, { tokenFile: 'empty' }), `${user}.tokenFile is no token`],
      [config({}, { username: 'a', password: 'b' }), `${user}.username is of no use`, /use a token/],
      [config({}, { 'auth-provider': { name: 'gcp' } }), `${user}.auth-provider is of no use`, /use a token/],
      [config({}, { token: 'a', as: 'bob' }), `${user}.as impersonates somebody`],
      [config({}, { 'client-key': 'alice.key' }), `${user}.client-certificate is missing`],
      [config({}, { 'client-certificate': 'alice.crt' }), `${user}.client-key is missing`],
      [
        config({}, { 'client-certificate': 'token', 'client-key': 'alice.key' }),
        `${user}.client-certificate is no certificate`,
      ],
      [config({}, pair(client.certPem, 'x')), `${user}.client-key-data is no PEM text`],
      [config({}, pair(client.certPem, client.certPem)), `${user}.client-key-data is no private key`],
      [config({}, pair(client.certPem, encrypted)), `${user}.client-key-data is encrypted`, /openssl pkey/],
      [config({}, pair(client.certPem, other.keyPem)), `${user}.client-key-data is not the key of`],
      [config({}, pair(expired.certPem, expired.keyPem)), `${user}.client-certificate-data expired on 20`],
      [config({}, pair(early.certPem, early.keyPem)), `${user}.client-certificate-data is not valid before`],
      [
        config({}, exec({ apiVersion: 'client.authentication.k8s.io/v1alpha1' })),
        `${user}.exec.apiVersion must`,
      ],
      [config({}, exec({ command: '' })), `${user}.exec.command is missing`],
      [config({}, exec({ interactiveMode: 'Always' })), `${user}.exec.interactiveMode is Always`],
      [config({}, exec({ interactiveMode: 'x' })), `${user}.exec.interactiveMode must be Never`],
      [config({}, exec({ args: [1] })), `${user}.exec.args must be a list of texts`],
      [config({}, exec({ env: [{ name: 'A' }] })), `${user}.exec.env must be a list of names`],
      [config({}, exec({ env: { A: 'b' } })), `${user}.exec.env must be a list, not a map`],
      [config({}, { exec: 'x' }), `${user}.exec must be a map, not a string`],
    ];
    for (const [text, message, hint] of cases) {
      const said = await failure(read(text));
      expect(said.message).toMatch(/^config:1:\d+: /);
      expect(said.message.replace(/^config:1:\d+: /, '').slice(0, message.length)).toBe(message);
      if (hint !== undefined) expect(said.hint).toMatch(hint);
    }
  });

  it('says line and column', async () => {
    const text = config({ server: 'http://10.0.0.1' });
    const lines = JSON.stringify(JSON.parse(text), undefined, 2).split('\n');
    const { message } = await failure(read(lines.join('\n')));
    const [, line, column] = /^config:(\d+):(\d+): /.exec(message) ?? [];
    expect(lines[Number(line) - 1]?.slice(Number(column) - 1)).toBe('"http://10.0.0.1"');
  });

  it('is refused by one clear error, whatever its bytes', async () => {
    const whole = Buffer.from(
      config(
        { 'certificate-authority-data': base64(caPem), 'proxy-url': 'http://p.example' },
        {
          exec: { apiVersion: 'client.authentication.k8s.io/v1', command: './never-run', env: [], args: [] },
        },
      ),
    );
    const mutation = fc.record({
      at: fc.nat(whole.length),
      cut: fc.nat(40),
      put: fc.oneof(
        fc.uint8Array({ maxLength: 6 }),
        fc
          .constantFrom('null', '[]', '{}', '"', '\n', '*a', '&a ', '1e999', '\\u0000', '- ')
          .map((text) => Buffer.from(text)),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 4 }), async (mutations) => {
        let bytes = whole;
        for (const { at, cut, put } of mutations) {
          bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
        }
        const path = write(bytes, 'mutated');
        await readKubeconfig(path).catch((error: unknown) => {
          expect(error).toBeInstanceOf(HollowmarkError);
          expect(error).toMatchObject({ code: 'bad-input' });
          expect((error as HollowmarkError).message.startsWith(path)).toBe(true);
        });
      }),
      { numRuns: 500 },
    );
  });
});
