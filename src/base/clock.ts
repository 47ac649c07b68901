import { performance } from 'node:perf_hooks';

export type TimerHandle = { cancel(): void };

/** Time as everything outside this room sees it: injected, so that a simulation can drive it. */
export interface Clock {
  /**
   * Monotonic time in microseconds, comparable between all processes and threads of this machine
   * (CLOCK_MONOTONIC), so that phases measured in different processes add up.
   */
  nowUs(): number;
  /** Wall-clock time in milliseconds since the epoch, for timestamps that leave the process. */
  wallMs(): number;
  /** Calls `callback` once after `delayMs`; never before it. */
  timer(delayMs: number, callback: () => void): TimerHandle;
}

// performance.now() is CLOCK_MONOTONIC less an origin of this thread's own; hrtime has no origin of its own.
const originUs = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000;

export const systemClock: Clock = {
  nowUs: () => originUs + performance.now() * 1000,
  wallMs: () => Date.now(),
  timer(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      handle.cancel();
      reject(signal?.reason as Error);
    };
    const handle = clock.timer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
