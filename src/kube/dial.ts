import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type Socket, connect as connectTcp, isIP, isIPv6 } from 'node:net';
import { connect as connectTls, rootCertificates } from 'node:tls';
import { SocksClient } from 'socks';
import { HollowmarkError, errorMessage } from '../base/errors.ts';

export type ProxyDial = {
  /** `http://`, `https://` or `socks5://`, with `user:password@` where the proxy asks for them. */
  proxyUrl: string;
  /** The server behind the proxy; the proxy resolves the name. */
  host: string;
  port: number;
  /** Vouches for an `https://` proxy too, beside the authorities that Node.js trusts. */
  caPem: string | undefined;
  /** Ends the attempt, or the connection that came of it. */
  signal: AbortSignal;
};

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'socks5:': 1080 };

/**
 * Reads the URL of a proxy.
 * @throws HollowmarkError `bad-input` when it is none, or of a kind that is not supported.
 */
export function parseProxyUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !(url.protocol in defaultPorts) || url.hostname === '') {
    throw new HollowmarkError('bad-input', 'the proxy is not an http://, https:// or socks5:// URL');
  }
  return url;
}

/**
 * A connection to `host:port` through a proxy (HTTP CONNECT or SOCKS 5), before TLS.
 * @throws Error whose message names the proxy, without its password, and says why there is no connection.
 */
export async function dialThroughProxy(dial: ProxyDial): Promise<Socket> {
  const proxy = parseProxyUrl(dial.proxyUrl);
  try {
    const socket = await connectToProxy(proxy, dial);
    if (proxy.protocol === 'socks5:') await askSocks(proxy, socket, dial);
    else await askHttp(proxy, socket, dial);
    dial.signal.throwIfAborted();
    return socket;
  } catch (cause) {
    throw new Error(`proxy ${proxy.protocol}//${proxy.host}: ${errorMessage(cause)}`, { cause });
  }
}

async function connectToProxy(proxy: URL, { caPem, signal }: ProxyDial): Promise<Socket> {
  const host = bareHost(proxy);
  const tcp = connectTcp({ host, port: portOf(proxy), signal });
  await once(tcp, 'connect');
  if (proxy.protocol !== 'https:') return tcp;
  const ca = caPem === undefined ? {} : { ca: [...rootCertificates, caPem] };
  const tls = connectTls({ socket: tcp, host, servername: isIP(host) === 0 ? host : '', ...ca });
  await once(tls, 'secureConnect');
  return tls;
}

async function askSocks(proxy: URL, socket: Socket, { host, port }: ProxyDial): Promise<void> {
  await SocksClient.createConnection({
    command: 'connect',
    existing_socket: socket,
    proxy: {
      type: 5,
      host: bareHost(proxy),
      port: portOf(proxy),
      userId: decodeURIComponent(proxy.username),
      password: decodeURIComponent(proxy.password),
    },
    destination: { host, port },
  });
}

function askHttp(proxy: URL, socket: Socket, { host, port }: ProxyDial): Promise<void> {
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const secret = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const request = httpRequest({
    method: 'CONNECT',
    path: authority,
    headers: {
      host: authority,
      ...(secret === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(secret).toString('base64')}` }),
    },
    createConnection: () => socket,
  });
  request.end();
  return new Promise((resolve, reject) => {
    request.once('connect', ({ statusCode, statusMessage }) => {
      if (statusCode === 200) {
        resolve();
        return;
      }
      socket.destroy();
      reject(new Error(`it answered ${statusCode} ${statusMessage}`));
    });
    request.once('error', reject);
  });
}

/** The port of a URL, also where it is its scheme's own and so not written. */
export function portOf(url: URL): number {
  return url.port === '' ? (defaultPorts[url.protocol] ?? 443) : Number(url.port);
}

/** The host of a URL as sockets want it: an IPv6 address without its brackets. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}
