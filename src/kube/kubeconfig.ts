import { dirname, resolve } from 'node:path';
import type { Cluster, User } from '@kubernetes/client-node';
import { type Clock, systemClock } from '../base/clock.ts';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { FreshCredentials } from './credentials-refresher.ts';
import { parseProxyUrl } from './dial.ts';
import { parseExecPlugin, runExecPlugin } from './exec-plugin.ts';
import type { ApiServerEndpoint, ClientCertificate } from './identity.ts';
import { type EntryKind, type KubeconfigEntry, KubeconfigFile, quoted } from './kubeconfig-file.ts';
import { type PemFault, authoritiesFault, certificateFault, keyFault } from './pem.ts';
import { proxyFromEnvironment } from './proxy-environment.ts';
import { readTextFile } from './text-file.ts';

/** Bundles of all authorities of the internet have 0.2 MB. */
const pemBytesMax = 1024 * 1024;
/** How often files with tokens and certificates are looked at: as often as client-go looks at token files. */
const recheckAfterMs = 60_000;
/** How many names a message lists. */
const namesListed = 10;

/** A cluster and who we are to it, as a kubeconfig's context says. */
export type Kubeconfig = {
  /** The names of the entries. */
  context: string;
  cluster: string;
  user: string;
  namespace: string | undefined;
  endpoint: ApiServerEndpoint;
  /**
   * The credentials as they are now: reads files again and runs the credential plugin where there is one.
   * @throws HollowmarkError `bad-input` when a file or the plugin is not there or not good, `cluster-unavailable` when
   * the plugin gives nothing usable.
   */
  credentials: (signal?: AbortSignal) => Promise<FreshCredentials>;
};

type Environment = Readonly<Record<string, string | undefined>>;

export type KubeconfigOptions = {
  /** undefined takes the current context. */
  context?: string | undefined;
  /** For the dates of certificates. */
  clock?: Clock;
  /** Names a proxy where the kubeconfig does not; inherited by a credential plugin. The process's own when absent. */
  env?: Environment;
};

/**
 * Reads a kubeconfig, and the files that its context needs. Runs nothing and connects to nothing.
 * @throws HollowmarkError `bad-input` naming file, entry and remedy, whatever is wrong.
 */
export async function readKubeconfig(path: string, options: KubeconfigOptions = {}): Promise<Kubeconfig> {
  try {
    return await read(path, options);
  } catch (cause) {
    if (cause instanceof HollowmarkError) throw cause;
    // The library's own words may be many.
    const why = errorMessage(cause).split('\n')[0];
    throw new HollowmarkError('bad-input', `${path}: cannot be used as a kubeconfig: ${why}`, { cause });
  }
}

async function read(path: string, options: KubeconfigOptions): Promise<Kubeconfig> {
  const { clock = systemClock, env = process.env } = options;
  const file = new KubeconfigFile(path);
  const context = chosenContext(file, options.context);
  const clusterEntry = referred(context, 'cluster');
  const userEntry = referred(context, 'user');
  const { cluster, user } = await entriesOf(clusterEntry, userEntry);
  const endpoint = endpointOf(clusterEntry, cluster, clock, env);
  return {
    context: context.name,
    cluster: clusterEntry.name,
    user: userEntry.name,
    namespace: context.text('namespace'),
    endpoint,
    credentials: credentialsSource(userEntry, user, endpoint, clock, env),
  };
}

function chosenContext(file: KubeconfigFile, wanted: string | undefined): KubeconfigEntry {
  const name = wanted ?? file.currentContext;
  const names = file.names('context');
  const choose = `choose one with --context: ${listed(names, name)}`;
  if (name === undefined) {
    throw file.fileFault(
      'has no current-context',
      names.length === 0 ? 'it has no contexts at all: get a whole kubeconfig' : choose,
    );
  }
  const context = file.find('context', name);
  if (context !== undefined) return context;
  const message = `there is no context ${quoted(name)}`;
  const hint = names.length === 0 ? 'the file has no contexts at all' : choose;
  throw wanted === undefined ? file.fault(['current-context'], message, hint) : file.fileFault(message, hint);
}

/** The cluster or user that a context names. */
function referred(context: KubeconfigEntry, kind: Exclude<EntryKind, 'context'>): KubeconfigEntry {
  const name = context.text(kind);
  if (name === undefined) throw context.fault(kind, 'is missing', `name one of the file's ${kind}s`);
  const entry = context.file.find(kind, name);
  if (entry !== undefined) return entry;
  const names = context.file.names(kind);
  throw context.fault(
    kind,
    `names ${quoted(name)}, and there is no such ${kind}`,
    names.length === 0 ? `the file has no ${kind}s` : `${kind}s that there are: ${listed(names, name)}`,
  );
}

/** Names for a message, the likeliest first. */
function listed(names: readonly string[], wanted: string | undefined): string {
  const near = wanted === undefined ? undefined : nearest(wanted, names);
  const ordered = near === undefined ? names : [near, ...names.filter((name) => name !== near)];
  const more = names.length > namesListed ? `, and ${names.length - namesListed} more` : '';
  return `${ordered.slice(0, namesListed).map(quoted).join(', ')}${more}`;
}

const clusterTexts = [
  'server',
  'certificate-authority',
  'certificate-authority-data',
  'tls-server-name',
  'proxy-url',
];
const userTexts = [
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'token',
  'username',
  'password',
];

/**
 * The two entries as the Kubernetes client's library understands them, paths made absolute. It gets only what is needed
 * and of the right type: given the whole file it would open the token files of all users, and say of no fault where.
 */
async function entriesOf(
  cluster: KubeconfigEntry,
  user: KubeconfigEntry,
): Promise<{ cluster: Cluster; user: User }> {
  // Half a second: only those pay for it who have a kubeconfig.
  const { KubeConfig } = await import('@kubernetes/client-node');
  const texts = (entry: KubeconfigEntry, fields: readonly string[]): Record<string, string> =>
    Object.fromEntries(
      fields.flatMap((field) => {
        const value = entry.text(field);
        return value === undefined ? [] : [[field, value]];
      }),
    );
  if (cluster.text('server') === undefined) {
    throw cluster.fault('server', 'is missing', 'write the URL of the API server there: https://<host>:6443');
  }
  const skip = { 'insecure-skip-tls-verify': cluster.flag('insecure-skip-tls-verify') };
  const library = new KubeConfig();
  library.loadFromString(
    JSON.stringify({
      clusters: [{ name: 'cluster', cluster: { ...texts(cluster, clusterTexts), ...skip } }],
      users: [{ name: 'user', user: texts(user, userTexts) }],
    }),
  );
  library.makePathsAbsolute(dirname(cluster.file.path));
  return { cluster: library.clusters[0] as Cluster, user: library.users[0] as User };
}

function endpointOf(
  entry: KubeconfigEntry,
  cluster: Cluster,
  clock: Clock,
  env: Environment,
): ApiServerEndpoint {
  const { server, skipTLSVerify: insecure, tlsServerName: serverName } = cluster;
  checkServer(entry, server);
  if (cluster.proxyUrl !== undefined) {
    try {
      parseProxyUrl(cluster.proxyUrl);
    } catch (error) {
      throw entry.fault('proxy-url', `cannot be used: ${errorMessage(error)}`);
    }
  }
  if (serverName !== undefined && !/^[\w.:-]+$/.test(serverName)) {
    throw entry.fault('tls-server-name', 'is no name or address of a host');
  }
  const authorities = pemOf(entry, 'certificate-authority', cluster.caData, cluster.caFile);
  if (authorities !== undefined) {
    if (insecure) {
      throw entry.fault(
        'insecure-skip-tls-verify',
        'is true, and there is a certificate authority to verify with',
        'remove one of the two',
      );
    }
    refuse(entry, authorities.field, authoritiesFault(authorities.pem, clock.wallMs()));
  }
  const proxyUrl = cluster.proxyUrl ?? proxyFromEnvironment(server, env);
  return {
    url: server,
    caPem: authorities?.pem,
    ...(serverName === undefined ? {} : { serverName }),
    ...(insecure ? { insecure } : {}),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
    minTlsVersion: 'TLSv1.2',
  };
}

function checkServer(entry: KubeconfigEntry, server: string): void {
  const example = 'such as https://api.example:6443';
  if (/^http:/i.test(server)) {
    throw entry.fault(
      'server',
      'is not encrypted: http:// would send credentials in the clear',
      `use an https:// URL, ${example}`,
    );
  }
  const url = /^https:\/\//i.test(server) && URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined) throw entry.fault('server', `must be an https:// URL, ${example}`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw entry.fault('server', `must have nothing but a host, a port and a path, ${example}`);
  }
}

/** What gives the credentials of a user. All that can be checked without running anything is checked at once. */
function credentialsSource(
  entry: KubeconfigEntry,
  user: User,
  endpoint: ApiServerEndpoint,
  clock: Clock,
  env: Environment,
): Kubeconfig['credentials'] {
  refuseOthers(entry, user);
  const dir = dirname(entry.file.path);
  const exec = entry.map('exec');
  const plugin = exec === undefined ? undefined : parseExecPlugin(exec, dir);
  const own = (): FreshCredentials => ownCredentials(entry, user, dir, clock);
  const { certificate, token } = own().credentials;
  if (plugin === undefined) {
    if (certificate === undefined && token === undefined) {
      throw entry.fault(
        undefined,
        'has no credentials',
        'it needs a client certificate with its key, a token, a tokenFile or an exec plugin',
      );
    }
    return async () => own();
  }
  return async (signal) => {
    const given = await runExecPlugin(plugin, endpoint, clock, env, signal);
    const { credentials, ...recheck } = own();
    // What the kubeconfig says itself counts for more, as in kubectl.
    return { ...given, ...recheck, credentials: { ...given.credentials, ...credentials } };
  };
}

function refuseOthers(entry: KubeconfigEntry, user: User): void {
  const instead = 'use a token, a client certificate or an exec plugin';
  if (user.username !== undefined || user.password !== undefined) {
    const field = user.username === undefined ? 'password' : 'username';
    throw entry.fault(field, 'is of no use: API servers take no passwords since Kubernetes 1.19', instead);
  }
  if (entry.has('auth-provider')) {
    throw entry.fault('auth-provider', 'is of no use: Kubernetes has done away with it in 1.26', instead);
  }
  const as = ['as', 'as-uid', 'as-groups', 'as-user-extra'].find((field) => entry.has(field));
  if (as !== undefined) {
    throw entry.fault(
      as,
      'impersonates somebody, which Hollowmark does by itself where it needs to',
      'make a context whose user does without',
    );
  }
}

/** The credentials that the kubeconfig and its files hold. */
function ownCredentials(entry: KubeconfigEntry, user: User, dir: string, clock: Clock): FreshCredentials {
  const certificate = clientCertificate(entry, user, clock);
  const tokenFile = entry.text('tokenFile');
  // A file counts for more than a token beside it: it is the one that is kept up.
  const field = tokenFile === undefined ? 'token' : 'tokenFile';
  const token =
    tokenFile === undefined ? user.token : contentOf(entry, field, resolve(dir, tokenFile)).trim();
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw entry.fault(field, 'is no token: a token is one word of plain letters, digits and signs');
  }
  const fromFiles = tokenFile !== undefined || entry.has('client-certificate') || entry.has('client-key');
  return {
    credentials: {
      ...(certificate === undefined ? {} : { certificate }),
      ...(token === undefined ? {} : { token }),
    },
    ...(fromFiles ? { recheckAfterMs } : {}),
  };
}

function clientCertificate(entry: KubeconfigEntry, user: User, clock: Clock): ClientCertificate | undefined {
  const certificate = pemOf(entry, 'client-certificate', user.certData, user.certFile);
  const key = pemOf(entry, 'client-key', user.keyData, user.keyFile);
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined) throw entry.fault('client-certificate', 'is missing, and there is its key');
  if (key === undefined) throw entry.fault('client-key', 'is missing, and there is its certificate');
  refuse(entry, certificate.field, certificateFault(certificate.pem, clock.wallMs()));
  refuse(entry, key.field, keyFault({ certPem: certificate.pem, keyPem: key.pem }));
  return { certPem: certificate.pem, keyPem: key.pem };
}

/** A PEM text that stands in the kubeconfig (then that counts) or in a file, and the field that has it. */
function pemOf(
  entry: KubeconfigEntry,
  field: string,
  data: string | undefined,
  path: string | undefined,
): { pem: string; field: string } | undefined {
  if (data !== undefined) {
    const dataField = `${field}-data`;
    const base64 = data.replace(/\s/g, '');
    if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
      throw entry.fault(
        dataField,
        'is not base64',
        `make it with: base64 -w0 <file>, or name the file in ${field}`,
      );
    }
    return { pem: Buffer.from(base64, 'base64').toString('utf8'), field: dataField };
  }
  return path === undefined ? undefined : { pem: contentOf(entry, field, path), field };
}

/** The content of a file that a field names. */
function contentOf(entry: KubeconfigEntry, field: string, path: string): string {
  try {
    return readTextFile(path, pemBytesMax);
  } catch (error) {
    throw entry.fault(
      field,
      `names ${path}: ${errorMessage(error)}`,
      "paths are relative to the kubeconfig's folder",
    );
  }
}

function refuse(entry: KubeconfigEntry, field: string, fault: PemFault | undefined): void {
  if (fault !== undefined) throw entry.fault(field, fault.message, fault.hint);
}
