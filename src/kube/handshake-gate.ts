/** Where clients ask before they open a connection. */
export interface ConnectionGate {
  /** Calls `start` when there is room; the caller calls {@link leave} once when its handshake is over. */
  enter(start: () => void): void;
  leave(): void;
}

/**
 * Bounds TLS handshakes in flight within a shard. A thousand nodes that reconnect at once would otherwise each time
 * out behind the others' handshakes (1.3 ms of CPU each on either side).
 */
export class HandshakeGate implements ConnectionGate {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(handshakesMax: number) {
    this.free = handshakesMax;
  }

  enter(start: () => void): void {
    if (this.free > 0) {
      this.free--;
      start();
    } else {
      this.waiting.push(start);
    }
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free++;
    else next();
  }
}
