import type { Clock } from '../base/clock.ts';

/** Tells those who wait that a count may have changed. */
export class Changes {
  private readonly clock: Clock;
  private readonly listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** Calls `listener` whenever a count may have changed. @returns what ends that. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Resolves with true as soon as `condition` holds, with false after `timeoutMs`.
   * Rejects with the signal's reason when it aborts first.
   */
  waitUntil(
    condition: () => boolean,
    options: { timeoutMs: number; signal?: AbortSignal },
  ): Promise<boolean> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (condition()) return Promise.resolve(true);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        unsubscribe();
        deadline.cancel();
        signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = (): void => end(() => reject(signal?.reason as Error));
      const unsubscribe = this.onChange(() => {
        if (condition()) end(() => resolve(true));
      });
      const deadline = this.clock.timer(options.timeoutMs, () => end(() => resolve(condition())));
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}
