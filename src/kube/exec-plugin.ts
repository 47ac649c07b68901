import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { isAbsolute, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import type { FreshCredentials } from './credentials-refresher.ts';
import type { ApiServerEndpoint, Credentials } from './identity.ts';
import type { KubeconfigEntry } from './kubeconfig-file.ts';
import { certificateFault, keyFault } from './pem.ts';

const apiVersions = ['v1', 'v1beta1'].map((version) => `client.authentication.k8s.io/${version}`);

/** A plugin may ask a server somewhere, and that one a person at a browser. */
const timeLimitMs = 120_000;
const outputBytesMax = 1024 * 1024;
/** How much of what a plugin has to complain an error message quotes. */
const complaintLengthMax = 500;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A program that gives credentials, as a kubeconfig names it.
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
export type ExecPlugin = {
  /** Where it is named: `users["alice"].user.exec`, with file, line and column. */
  where: string;
  apiVersion: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  installHint: string | undefined;
  provideClusterInfo: boolean;
};

/**
 * Reads the `exec` of a user; runs nothing.
 * @param dir the kubeconfig's folder: a command with a slash in it is relative to that.
 * @throws HollowmarkError `bad-input` when it cannot be run as it stands.
 */
export function parseExecPlugin(entry: KubeconfigEntry, dir: string): ExecPlugin {
  const apiVersion = entry.text('apiVersion');
  if (apiVersion === undefined || !apiVersions.includes(apiVersion)) {
    throw entry.fault('apiVersion', `must be ${apiVersions.join(' or ')}`, 'update the plugin and its entry');
  }
  const command = entry.text('command');
  if (command === undefined) throw entry.fault('command', 'is missing');
  const interactiveMode = entry.text('interactiveMode') ?? 'IfAvailable';
  if (interactiveMode === 'Always') {
    throw entry.fault(
      'interactiveMode',
      'is Always: the plugin wants to ask something, and Hollowmark has no terminal for it',
      'use a kubeconfig with a token or a client certificate',
    );
  }
  if (interactiveMode !== 'Never' && interactiveMode !== 'IfAvailable') {
    throw entry.fault('interactiveMode', 'must be Never, IfAvailable or Always');
  }
  return {
    where: entry.where,
    apiVersion,
    command: command.includes('/') && !isAbsolute(command) ? join(dir, command) : command,
    args: entry.list('args').map((arg) => {
      if (typeof arg !== 'string') throw entry.fault('args', 'must be a list of texts');
      return arg;
    }),
    env: Object.fromEntries(entry.list('env').map((variable) => variableOf(entry, variable))),
    installHint: entry.text('installHint'),
    provideClusterInfo: entry.flag('provideClusterInfo'),
  };
}

function variableOf(entry: KubeconfigEntry, variable: unknown): [string, string] {
  const { name, value } = (variable ?? {}) as { name?: unknown; value?: unknown };
  if (typeof name !== 'string' || name === '' || typeof value !== 'string') {
    throw entry.fault('env', 'must be a list of names and values, both texts');
  }
  return [name, value];
}

/**
 * Runs the plugin, which has two minutes and no terminal. Not through the library's ExecAuth: that one gives neither
 * the expiry nor a time limit, and says nothing of the cluster in KUBERNETES_EXEC_INFO.
 * @throws HollowmarkError `bad-input` when there is no such program, `cluster-unavailable` when it gives nothing usable,
 * `interrupted` on abort.
 */
export async function runExecPlugin(
  plugin: ExecPlugin,
  endpoint: ApiServerEndpoint,
  clock: Clock,
  env: Environment,
  signal?: AbortSignal,
): Promise<FreshCredentials> {
  const execInfo = JSON.stringify(execCredential(plugin, endpoint));
  const variables = { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: execInfo };
  const output = await outputOf(plugin, clock, variables, signal);
  const status = statusOf(plugin, output);
  const credentials: Credentials = {};
  const { token, clientCertificateData: certPem, clientKeyData: keyPem, expirationTimestamp } = status;
  if (typeof token === 'string' && token !== '') credentials.token = token;
  if (typeof certPem === 'string' && typeof keyPem === 'string') {
    const certFault = certificateFault(certPem, clock.wallMs());
    if (certFault !== undefined) throw failure(plugin, `its clientCertificateData ${certFault.message}`);
    const fault = keyFault({ certPem, keyPem });
    if (fault !== undefined) throw failure(plugin, `its clientKeyData ${fault.message}`);
    credentials.certificate = { certPem, keyPem };
  }
  if (credentials.token === undefined && credentials.certificate === undefined) {
    throw failure(plugin, 'its answer has neither a token nor a client certificate with its key');
  }
  if (expirationTimestamp === undefined || expirationTimestamp === null) return { credentials };
  const expiresAtMs = typeof expirationTimestamp === 'string' ? Date.parse(expirationTimestamp) : Number.NaN;
  if (Number.isNaN(expiresAtMs)) throw failure(plugin, 'its expirationTimestamp is no time');
  return { credentials, expiresAtMs };
}

/** What the plugin is told of why it runs. */
function execCredential(plugin: ExecPlugin, endpoint: ApiServerEndpoint): unknown {
  const { url, serverName, insecure, caPem, proxyUrl } = endpoint;
  const cluster = {
    server: url,
    'tls-server-name': serverName,
    'insecure-skip-tls-verify': insecure,
    'certificate-authority-data': caPem === undefined ? undefined : Buffer.from(caPem).toString('base64'),
    'proxy-url': proxyUrl,
  };
  return {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.provideClusterInfo ? { cluster } : {}) },
  };
}

function start(plugin: ExecPlugin, env: Environment): ChildProcessByStdio<null, Readable, Readable> {
  try {
    return spawn(plugin.command, plugin.args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (cause) {
    // Texts that no program can be given: with a NUL in them.
    throw notStarted(plugin, cause);
  }
}

/** What the plugin writes to stdout. */
function outputOf(plugin: ExecPlugin, clock: Clock, env: Environment, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = start(plugin, env);
    let output = '';
    let complaint = '';
    const end = (error?: HollowmarkError): void => {
      deadline.cancel();
      signal?.removeEventListener('abort', onAbort);
      // What the plugin has started itself may hold the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
      child.kill('SIGKILL');
      if (error === undefined) resolve(output);
      else reject(error);
    };
    const deadline = clock.timer(timeLimitMs, () =>
      end(failure(plugin, `it gave nothing within ${timeLimitMs / 1000} s`, complaint)),
    );
    const onAbort = (): void => end(new HollowmarkError('interrupted', 'interrupted'));
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > outputBytesMax) end(failure(plugin, `it wrote more than ${outputBytesMax} bytes`));
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-complaintLengthMax);
    });
    child.once('error', (cause) => end(notStarted(plugin, cause)));
    child.once('close', (code, killedBy) => {
      if (code === 0) end();
      else end(failure(plugin, `it ended with ${killedBy ?? `exit code ${code}`}`, complaint));
    });
  });
}

type ExecStatus = {
  token?: unknown;
  clientCertificateData?: unknown;
  clientKeyData?: unknown;
  expirationTimestamp?: unknown;
};

function statusOf(plugin: ExecPlugin, output: string): ExecStatus {
  let answer: { apiVersion?: unknown; kind?: unknown; status?: ExecStatus } | null;
  try {
    answer = JSON.parse(output) as typeof answer;
  } catch (cause) {
    throw failure(plugin, 'its answer is not JSON', '', cause);
  }
  if (answer?.kind !== 'ExecCredential' || answer.apiVersion !== plugin.apiVersion) {
    throw failure(plugin, `its answer is no ExecCredential of ${plugin.apiVersion}`);
  }
  return answer.status ?? {};
}

function notStarted(plugin: ExecPlugin, cause: unknown): HollowmarkError {
  const { code } = cause as NodeJS.ErrnoException;
  const why = code === 'ENOENT' ? 'is not there' : `cannot be started: ${errorMessage(cause)}`;
  return new HollowmarkError('bad-input', `${plugin.where}: the credential plugin ${plugin.command} ${why}`, {
    hint: plugin.installHint ?? `install ${plugin.command}, or use a kubeconfig with a token`,
    cause,
  });
}

function failure(plugin: ExecPlugin, why: string, complaint = '', cause?: unknown): HollowmarkError {
  const said = complaint.trim() === '' ? '' : `: ${complaint.trim()}`;
  return new HollowmarkError(
    'cluster-unavailable',
    `${plugin.where}: the credential plugin ${plugin.command} failed: ${why}${said}`,
    {
      hint: `run ${plugin.command} by hand, with the arguments that stand there, to see what it lacks`,
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
