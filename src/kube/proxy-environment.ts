import { BlockList, isIP, isIPv6 } from 'node:net';
import { HollowmarkError } from '../base/errors.ts';
import { bareHost, parseProxyUrl, portOf } from './dial.ts';

/**
 * The proxy that the environment names for a server: HTTPS_PROXY, unless NO_PROXY excepts it, in either spelling; as
 * kubectl has it, servers on loopback need none.
 * @throws HollowmarkError `bad-input` when the variable holds no proxy that is supported.
 * @see golang.org/x/net/http/httpproxy, which kubectl uses
 */
export function proxyFromEnvironment(
  serverUrl: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const name = ['HTTPS_PROXY', 'https_proxy'].find((variable) => (env[variable] ?? '') !== '');
  if (name === undefined) return undefined;
  const server = new URL(serverUrl);
  const excepted = env['NO_PROXY'] ?? env['no_proxy'] ?? '';
  if (isExcepted(bareHost(server), portOf(server), `localhost,127.0.0.0/8,::1,${excepted}`)) return undefined;
  const value = env[name] ?? '';
  const proxyUrl = value.includes('://') ? value : `http://${value}`;
  try {
    parseProxyUrl(proxyUrl);
  } catch (cause) {
    throw new HollowmarkError(
      'bad-input',
      `the environment variable ${name} names no proxy that can be used`,
      {
        hint: `give it an http://, https:// or socks5:// URL, or unset it: env -u ${name} …`,
        cause,
      },
    );
  }
  return proxyUrl;
}

/** `list`: `*`, or names, addresses and ranges of addresses, between commas; a name stands for those below it, too. */
function isExcepted(host: string, port: number, list: string): boolean {
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry === '*' || (entry !== '' && matches(host, port, entry)));
}

function matches(host: string, port: number, entry: string): boolean {
  const [, pattern = '', wantedPort] =
    /^(?:\[?)(.*?)(?:\]?)(?::(\d+))?$/.exec(isIPv6(entry) ? `[${entry}]` : entry) ?? [];
  if (wantedPort !== undefined && Number(wantedPort) !== port) return false;
  const [address = '', prefix] = pattern.split('/');
  if (isIP(address) !== 0)
    return prefix === undefined ? address === host : inRange(host, address, Number(prefix));
  return pattern.startsWith('.') || pattern.startsWith('*.')
    ? host.endsWith(pattern.replace(/^\*/, ''))
    : host === pattern || host.endsWith(`.${pattern}`);
}

function inRange(host: string, address: string, prefix: number): boolean {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  if (
    isIP(host) === 0 ||
    !Number.isInteger(prefix) ||
    prefix < 0 ||
    prefix > (family === 'ipv6' ? 128 : 32)
  ) {
    return false;
  }
  const range = new BlockList();
  range.addSubnet(address, prefix, family);
  return range.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}
