import type { Clock, TimerHandle } from './clock.ts';

/** A task that was put into a {@link DelayQueue}; cancelling one that has run does nothing. */
export type DelayHandle = { cancel(): void };

class Entry implements DelayHandle {
  readonly dueUs: number;
  readonly order: number;
  run: (() => void) | undefined;

  constructor(dueUs: number, order: number, run: () => void) {
    this.dueUs = dueUs;
    this.order = order;
    this.run = run;
  }

  /** The entry stays in the heap until it is due: removal would cost a search. */
  cancel(): void {
    this.run = undefined;
  }
}

/**
 * One binary heap of delayed tasks behind one timer of the clock: a shard holds tens of thousands of leases,
 * status reports and container starts, and a Node timer for each would cost more than the work itself.
 * Tasks that are due at the same time run in the order in which they were put in.
 */
export class DelayQueue {
  private readonly heap: Entry[] = [];
  private readonly clock: Clock;
  private readonly onError: (error: unknown) => void;
  private readonly gridPhase: number;
  private order = 0;
  private armed: TimerHandle | undefined;
  private armedUs = Number.POSITIVE_INFINITY;
  private running = false;
  private closed = false;

  /** @param gridPhase of all grids of {@link after}, from 0 to 1: threads whose phases differ do not wake up at once. */
  constructor(clock: Clock, onError: (error: unknown) => void, gridPhase = 0) {
    this.clock = clock;
    this.onError = onError;
    this.gridPhase = gridPhase;
  }

  get size(): number {
    return this.heap.length;
  }

  /**
   * @param gridMs tasks that may be this much late are run together with others that are due by then: each time that an idle
   * thread wakes up costs more than a short task.
   */
  after(delayMs: number, run: () => void, gridMs = 0): DelayHandle {
    const dueUs = this.clock.nowUs() + Math.max(0, delayMs) * 1000;
    const entry = new Entry(gridMs === 0 ? dueUs : this.onGrid(dueUs, gridMs * 1000), this.order++, run);
    if (this.closed) return entry;
    this.push(entry);
    if (!this.running) this.arm();
    return entry;
  }

  /** Drops every task; later ones are ignored. */
  close(): void {
    this.closed = true;
    this.heap.length = 0;
    this.armed?.cancel();
    this.armed = undefined;
  }

  private onGrid(dueUs: number, gridUs: number): number {
    return (Math.ceil(dueUs / gridUs - this.gridPhase) + this.gridPhase) * gridUs;
  }

  private arm(): void {
    const first = this.heap[0];
    if (first === undefined || this.closed) return;
    if (this.armed !== undefined) {
      if (this.armedUs <= first.dueUs) return;
      this.armed.cancel();
    }
    this.armedUs = first.dueUs;
    // Timers of Node have whole milliseconds and may fire early by a fraction: round up.
    const delayMs = Math.max(0, Math.ceil((first.dueUs - this.clock.nowUs()) / 1000));
    this.armed = this.clock.timer(delayMs, () => this.drain());
  }

  private drain(): void {
    this.armed = undefined;
    this.armedUs = Number.POSITIVE_INFINITY;
    this.running = true;
    const nowUs = this.clock.nowUs();
    for (let first = this.heap[0]; first !== undefined && first.dueUs <= nowUs; first = this.heap[0]) {
      this.pop();
      const run = first.run;
      if (run === undefined) continue;
      try {
        run();
      } catch (error) {
        this.onError(error);
      }
    }
    this.running = false;
    this.arm();
  }

  private push(entry: Entry): void {
    const heap = this.heap;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const p = heap[parent] as Entry;
      if (!before(entry, p)) break;
      heap[i] = p;
      i = parent;
    }
    heap[i] = entry;
  }

  private pop(): void {
    const heap = this.heap;
    const last = heap.pop() as Entry;
    const length = heap.length;
    if (length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= length) break;
      if (child + 1 < length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      const c = heap[child] as Entry;
      if (!before(c, last)) break;
      heap[i] = c;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.dueUs < b.dueUs || (a.dueUs === b.dueUs && a.order < b.order);
}
