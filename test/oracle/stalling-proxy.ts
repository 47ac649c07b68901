import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';

/** From when to when nothing went through, in µs of the machine's monotonic clock. */
export type Stall = { fromUs: number; toUs: number };

/** Passes TCP connections on, and now and then stands still: bytes wait, either way, and so do new connections. */
export class StallingProxy {
  readonly port: number;
  readonly stalls: Stall[] = [];
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private stalled = false;

  private constructor(server: Server, targetPort: number) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (near: Socket) => {
      const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.on('data', (chunk: Buffer) => other.write(chunk));
        socket.once('end', () => other.end());
        socket.once('close', () => {
          this.sockets.delete(socket);
          other.destroy();
        });
        if (this.stalled) socket.pause();
      }
    });
  }

  static async start(targetPort: number): Promise<StallingProxy> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new StallingProxy(server, targetPort);
  }

  /** Stands still for `ms`, in `afterMs` from now. */
  stall(afterMs: number, ms: number): void {
    this.after(afterMs, () => {
      this.hold();
      this.after(ms, () => this.release());
    });
  }

  /** From now on until {@link release}. */
  hold(): void {
    this.stalled = true;
    this.stalls.push({ fromUs: systemClock.nowUs(), toUs: Number.POSITIVE_INFINITY });
    for (const socket of this.sockets) socket.pause();
  }

  release(): void {
    this.stalled = false;
    const stall = this.stalls.at(-1);
    if (stall !== undefined) stall.toUs = systemClock.nowUs();
    for (const socket of this.sockets) socket.resume();
  }

  /** Breaks all connections at once. */
  breakAll(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.breakAll();
    await closed;
  }

  private after(ms: number, what: () => void): void {
    this.timers.add(setTimeout(what, ms));
  }
}
