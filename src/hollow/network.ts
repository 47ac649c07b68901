import type { ConnectionGate } from '../kube/handshake-gate.ts';

/**
 * The way from one node to the API server. While it is cut nobody answers an attempt at a connection, nor refuses it:
 * requests wait until their time is up, as they do when packets get lost.
 */
export class Network implements ConnectionGate {
  private readonly gate: ConnectionGate;
  private isCut = false;
  private waiting: (() => void)[] = [];

  constructor(gate: ConnectionGate) {
    this.gate = gate;
  }

  enter(start: () => void): void {
    this.gate.enter(() => {
      if (!this.isCut) {
        start();
        return;
      }
      this.gate.leave();
      this.waiting.push(start);
    });
  }

  leave(): void {
    this.gate.leave();
  }

  /** No new connections until {@link restore}; those that are open are their clients' to cut. */
  cut(): void {
    this.isCut = true;
  }

  restore(): void {
    this.isCut = false;
    const { waiting } = this;
    this.waiting = [];
    for (const start of waiting) this.enter(start);
  }
}
