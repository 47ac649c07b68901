import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import type { ClientCertificate } from '../../../src/kube/identity.ts';

/** A proxy on loopback that says to whom it led. */
export type TestProxy = {
  port: number;
  /** `host:port` of each tunnel. */
  targets: string[];
  /** Open ones, of clients. */
  connections(): number;
  close(): Promise<void>;
};

type ProxyOptions = {
  /** Credentials that it asks for. */
  user?: string;
  password?: string;
  /** Where it leads, whatever it is asked for. */
  leadsTo?: number;
  /** It speaks TLS itself. */
  certificate?: ClientCertificate;
  /** It takes connections and says nothing. */
  silent?: boolean;
};

/** `CONNECT host:port`, over plain HTTP or HTTPS. */
export async function connectProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const { certificate } = options;
  const server =
    certificate === undefined
      ? createHttpServer()
      : createHttpsServer({ cert: certificate.certPem, key: certificate.keyPem });
  const targets: string[] = [];
  const expected = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString('base64')}`;
  server.on('connect', (request, socket: Socket) => {
    if (options.silent === true) {
      keepSilent(socket);
      return;
    }
    if (options.user !== undefined && request.headers['proxy-authorization'] !== expected) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    targets.push(request.url ?? '');
    const port = options.leadsTo ?? Number(request.url?.split(':').at(-1));
    join(socket, port, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
  });
  return listen(server, targets);
}

/** SOCKS 5 with or without user and password (RFC 1928, RFC 1929). */
export async function socksProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const targets: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (options.silent === true) {
      keepSilent(socket);
      return;
    }
    const greeting = (): void => {
      socket.once('data', () => {
        socket.write(Buffer.from([5, options.user === undefined ? 0 : 2]));
        socket.once('data', options.user === undefined ? command : login);
      });
    };
    const login = (data: Buffer): void => {
      const user = data.subarray(2, 2 + (data[1] ?? 0)).toString();
      const password = data.subarray(3 + (data[1] ?? 0)).toString();
      const right = user === options.user && password === options.password;
      socket.write(Buffer.from([1, right ? 0 : 1]));
      if (right) socket.once('data', command);
      else socket.end();
    };
    const command = (data: Buffer): void => {
      const named = data[3] === 3;
      const end = named ? 5 + (data[4] ?? 0) : 8;
      const host = named ? data.subarray(5, end).toString() : data.subarray(4, end).join('.');
      const port = data.readUInt16BE(end);
      targets.push(`${host}:${port}`);
      join(socket, options.leadsTo ?? port, () => socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])));
    };
    greeting();
  });
  return listen(server, targets);
}

function keepSilent(socket: Socket): void {
  socket.resume().once('end', () => socket.destroy());
}

function join(socket: Socket, port: number, onConnected: () => void): void {
  const upstream = connect(port, '127.0.0.1', () => {
    onConnected();
    upstream.pipe(socket);
    socket.pipe(upstream);
  });
  for (const [one, other] of [
    [socket, upstream],
    [upstream, socket],
  ] as const) {
    one.on('error', () => {});
    one.once('close', () => other.destroy());
  }
}

async function listen(server: Server, targets: string[]): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    targets,
    connections: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
