import type { Clock, TimerHandle } from '../base/clock.ts';

/** Go's HTTP/2 health check as client-go sets it: a PING after 30 s without a frame, 15 s for its answer. */
const quietSecondsMax = 30;
const answerSecondsMax = 15;

/** A connection whose other side may have gone without a word. */
export interface KeptAlive {
  /** Whether a frame has come since the last call. */
  heard(): boolean;
  ping(): void;
  /** No frame came, not even the answer to the PING. */
  lost(): void;
}

/**
 * Looks after the connections of a thread: one timer for all of them, once a second, and a count each. With 4,000
 * connections a look takes some 20 µs; a timer for each, put off with each frame, would cost as much as the frames.
 */
export class KeepAlive {
  private readonly clock: Clock;
  private readonly quietSeconds = new Map<KeptAlive, number>();
  private timer: TimerHandle | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(connection: KeptAlive): void {
    this.quietSeconds.set(connection, 0);
    this.timer ??= this.clock.timer(1_000, () => this.look());
  }

  remove(connection: KeptAlive): void {
    this.quietSeconds.delete(connection);
    if (this.quietSeconds.size > 0) return;
    this.timer?.cancel();
    this.timer = undefined;
  }

  private look(): void {
    this.timer = undefined;
    for (const [connection, before] of this.quietSeconds) {
      const quiet = connection.heard() ? 0 : before + 1;
      this.quietSeconds.set(connection, quiet);
      if (quiet === quietSecondsMax) connection.ping();
      else if (quiet === quietSecondsMax + answerSecondsMax) connection.lost();
    }
    if (this.quietSeconds.size > 0) this.timer ??= this.clock.timer(1_000, () => this.look());
  }
}

const byClock = new WeakMap<Clock, KeepAlive>();

/** The one of a clock, and so of a thread. */
export function keepAliveOf(clock: Clock): KeepAlive {
  let keepAlive = byClock.get(clock);
  if (keepAlive === undefined) {
    keepAlive = new KeepAlive(clock);
    byClock.set(clock, keepAlive);
  }
  return keepAlive;
}
