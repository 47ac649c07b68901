import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import type { Clock, TimerHandle } from '../../base/clock.ts';

const loopback = '127.0.0.1';

/** Of one direction of one connection, this much is held at most: gRPC's windows stay far below. */
const heldBytesMax = 64 * 1024 * 1024;

/** What a direction holds back; `chunk` undefined is the end of what is sent. */
type Held = { dueUs: number; chunk: Buffer | undefined };

/**
 * Passes on the bytes of TCP connections, each after a delay. What comes while something waits is not held up by it, so
 * that only times change and not how much goes through.
 */
export class DelayingProxy {
  readonly port: number;
  private delayUs = 0;
  private readonly server: Server;
  private readonly targetPort: number;
  private readonly clock: Clock;
  private readonly sockets = new Set<Socket>();
  private stopping = false;

  private constructor(server: Server, targetPort: number, clock: Clock) {
    this.server = server;
    this.targetPort = targetPort;
    this.clock = clock;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket: Socket) => this.accept(socket));
  }

  /** Starts one on a free port of loopback, in front of another port there, without a delay. */
  static async start(targetPort: number, clock: Clock): Promise<DelayingProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, loopback, resolve);
    });
    return new DelayingProxy(server, targetPort, clock);
  }

  /** From now on, of open connections too, in each direction. */
  delay(delayMs: number): void {
    this.delayUs = delayMs * 1000;
  }

  /** Ends all connections at once. Safe to call twice. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.stopping = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  private accept(near: Socket): void {
    const far = connect({ host: loopback, port: this.targetPort, allowHalfOpen: true, noDelay: true });
    const delayUs = (): number => this.delayUs;
    const there = new Course(near, far, delayUs, this.clock);
    const back = new Course(far, near, delayUs, this.clock);
    for (const [socket, other, towards] of [
      [near, far, back],
      [far, near, there],
    ] as const) {
      this.sockets.add(socket);
      // What it was is the business of those who speak over it.
      socket.on('error', () => {});
      socket.once('close', (hadError) => {
        this.sockets.delete(socket);
        towards.stop();
        // In good order, its last words may still be on their way.
        if (hadError || this.stopping) other.resetAndDestroy();
      });
    }
  }
}

/** One direction of a connection. */
class Course {
  private readonly from: Socket;
  private readonly to: Socket;
  private readonly delayUs: () => number;
  private readonly clock: Clock;
  private held: Held[] = [];
  private heldBytes = 0;
  private lastDueUs = 0;
  private timer: TimerHandle | undefined;
  private stopped = false;

  constructor(from: Socket, to: Socket, delayUs: () => number, clock: Clock) {
    this.from = from;
    this.to = to;
    this.delayUs = delayUs;
    this.clock = clock;
    from.on('data', (chunk: Buffer) => this.take(chunk));
    from.once('end', () => this.take(undefined));
    to.on('drain', () => this.resumeWithRoom());
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.held = [];
  }

  private take(chunk: Buffer | undefined): void {
    if (this.stopped) return;
    // In order, also when the delay has just become shorter.
    this.lastDueUs = Math.max(this.lastDueUs, this.clock.nowUs() + this.delayUs());
    this.held.push({ dueUs: this.lastDueUs, chunk });
    this.heldBytes += chunk?.length ?? 0;
    if (this.timer === undefined) this.passOn();
    if (this.heldBytes > heldBytesMax) this.from.pause();
  }

  private passOn(): void {
    this.timer = undefined;
    const nowUs = this.clock.nowUs();
    let count = 0;
    for (const { dueUs, chunk } of this.held) {
      if (dueUs > nowUs) break;
      count++;
      this.heldBytes -= chunk?.length ?? 0;
      if (chunk === undefined) this.to.end();
      else if (!this.to.write(chunk)) this.from.pause();
    }
    this.held.splice(0, count);
    this.resumeWithRoom();
    const [next] = this.held;
    if (next !== undefined) {
      this.timer = this.clock.timer((next.dueUs - nowUs) / 1000, () => this.passOn());
    }
  }

  private resumeWithRoom(): void {
    if (this.heldBytes <= heldBytesMax && !this.to.writableNeedDrain) this.from.resume();
  }
}
