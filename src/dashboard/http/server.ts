import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type AddressInfo, isIPv6 } from 'node:net';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { isAllowedHost } from './allowed-host.ts';
import { type PageRequest, type Reply, plainReply } from './reply.ts';

/** A handful of people with a few pages open each; a browser opens up to six connections. */
const connectionsMax = 100;

/** Nothing from elsewhere, and no script but the files that we serve. */
const ownPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const securityHeaders: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

export type ServerOptions = {
  /** An address or a name of this machine. */
  host: string;
  /** 0: any that is free. */
  port: number;
  /** Answers; what it throws becomes an answer too. */
  handle: (request: PageRequest) => Promise<Reply> | Reply;
  /** Hears of what `handle` throws: a fault of ours. */
  onFault: (error: unknown) => void;
};

export type RunningServer = { url: string; port: number; close(): Promise<void> };

/**
 * Serves pages that can only be read: GET and HEAD, to those who name this server by an address or by `localhost`.
 * @throws HollowmarkError `bad-input` when the port is in use or may not be taken, or the address is not this machine's.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const server = createServer((request, response) => void answer(options, request, response));
  server.maxConnections = connectionsMax;
  await listening(server, options);
  const { port } = server.address() as AddressInfo;
  const host = isIPv6(options.host) ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}/`,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Browsers keep connections open for minutes; whoever presses Ctrl-C does not wait for them.
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(cannotListen(cause, host, port)));
    server.listen(port, host, () => resolve());
  });
}

function cannotListen(cause: NodeJS.ErrnoException, host: string, port: number): HollowmarkError {
  const said = (message: string, hint: string): HollowmarkError =>
    new HollowmarkError('bad-input', message, { hint, cause });
  const other = 'name another port, or 0 for any that is free';
  switch (cause.code) {
    case 'EADDRINUSE':
      return said(`port ${port} of ${host} is in use`, other);
    case 'EACCES':
      return said(`port ${port} of ${host} may not be taken by this user`, other);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return said(`${host} is no address of this machine`, 'leave the host out for 127.0.0.1');
    case undefined:
    default:
      return said(`cannot listen on port ${port} of ${host}: ${errorMessage(cause)}`, other);
  }
}

async function answer(
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A browser that goes away is no fault.
  response.on('error', () => {});
  const isHead = request.method === 'HEAD';
  let reply: Reply;
  try {
    reply = refusal(options, request) ?? (await options.handle(pageRequest(request)));
  } catch (error) {
    if (error instanceof URIError) reply = plainReply(400, 'The address cannot be read.');
    else {
      options.onFault(error);
      reply = plainReply(500, 'The page could not be made; the program has said why.');
    }
  }
  await send(reply, response, isHead);
}

function refusal({ host }: ServerOptions, request: IncomingMessage): Reply | undefined {
  if (!isAllowedHost(request.headers.host, host)) {
    return plainReply(421, 'This server answers to its address and to localhost only.');
  }
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  return plainReply(405, 'Pages here can only be read.');
}

/** @throws URIError for an address that cannot be decoded. */
function pageRequest(request: IncomingMessage): PageRequest {
  const [path = '', search = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  // `/` and `/run/x/` end with an empty part.
  if (parts.at(-1) === '') parts.pop();
  return { path: parts, query: new URLSearchParams(search) };
}

async function send(reply: Reply, response: ServerResponse, isHead: boolean): Promise<void> {
  const headers = { ...securityHeaders, 'Content-Type': reply.type };
  if ('stream' in reply) {
    response.writeHead(200, {
      ...headers,
      'Cache-Control': 'no-store',
      'Content-Security-Policy': ownPolicy,
    });
    if (isHead) response.end();
    else reply.stream(response);
    return;
  }
  const { status, body, policy = ownPolicy, maxAgeSeconds } = reply;
  const isWhole = typeof body === 'string' || body instanceof Uint8Array;
  const length = isWhole ? Buffer.byteLength(body) : reply.lengthBytes;
  response.writeHead(status, {
    ...headers,
    'Content-Security-Policy': policy,
    'Cache-Control': maxAgeSeconds === undefined ? 'no-store' : `max-age=${maxAgeSeconds}`,
    ...(length === undefined ? {} : { 'Content-Length': length }),
    ...(status === 405 ? { Allow: 'GET, HEAD' } : {}),
  });
  if (isWhole) {
    response.end(isHead ? undefined : body);
    return;
  }
  if (isHead) {
    body.destroy();
    response.end();
    return;
  }
  // What breaks off meanwhile (the reader, the file) ends both.
  await pipeline(body, response).catch(() => {});
}
