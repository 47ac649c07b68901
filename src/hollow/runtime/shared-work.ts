/**
 * Operations that share a machine: up to `capacity` of them run at full speed, more share that speed equally
 * (processor sharing). That is how a real node behaves when many pods start at once: 0.49 s for one, 1.7 s in the
 * median for twenty. Virtual time V is the work that each operation in progress has had; one that needs `w` ends when
 * V has grown by `w`. Pure: the owner says what time it is and keeps the one timer.
 */
export class SharedWork {
  private readonly capacity: number;
  /** Operations in progress, by the virtual time at which they end. Small (pods of a node), so a sorted array. */
  private readonly operations: { endsAt: number; key: string }[] = [];
  private virtualMs = 0;
  private updatedMs = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  get size(): number {
    return this.operations.length;
  }

  /** Begins an operation that takes `workMs` alone on the machine. */
  begin(key: string, workMs: number, nowMs: number): void {
    this.advance(nowMs);
    const endsAt = this.virtualMs + workMs;
    let index = this.operations.length;
    while (index > 0 && (this.operations[index - 1] as { endsAt: number }).endsAt > endsAt) index--;
    this.operations.splice(index, 0, { endsAt, key });
  }

  /** Takes an operation out (its pod is gone). */
  abandon(key: string, nowMs: number): void {
    this.advance(nowMs);
    const index = this.operations.findIndex((operation) => operation.key === key);
    if (index >= 0) this.operations.splice(index, 1);
  }

  /** The keys of the operations that are done by now, in order. */
  finished(nowMs: number): string[] {
    const keys: string[] = [];
    // Step from end to end: each operation that ends speeds the others up from that moment on.
    for (;;) {
      const first = this.operations[0];
      if (first === undefined) break;
      const endMs = this.updatedMs + (first.endsAt - this.virtualMs) / this.speed();
      if (endMs > nowMs + 0.001) break;
      this.advance(Math.max(endMs, this.updatedMs));
      this.operations.shift();
      keys.push(first.key);
    }
    this.advance(nowMs);
    return keys;
  }

  /** Milliseconds until the next operation ends if none begins; undefined when there is none. */
  nextEndInMs(nowMs: number): number | undefined {
    const first = this.operations[0];
    if (first === undefined) return undefined;
    this.advance(nowMs);
    return Math.max(0, (first.endsAt - this.virtualMs) / this.speed());
  }

  private speed(): number {
    return Math.min(1, this.capacity / Math.max(1, this.operations.length));
  }

  private advance(nowMs: number): void {
    if (nowMs <= this.updatedMs) return;
    if (this.operations.length > 0) this.virtualMs += (nowMs - this.updatedMs) * this.speed();
    this.updatedMs = nowMs;
  }
}
