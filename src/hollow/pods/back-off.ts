/** How long something that failed is not tried again, and since when that counts. */
export type BackOff = { delayMs: number; updatedMs: number };

/** Crash loops and failed pulls alike (pkg/kubelet/kubelet.go, MaxContainerBackOff; image back-off of the same size). */
const delayMsMin = 10_000;
const delayMsMax = 300_000;

/** A failure this long after the last one starts over. */
const forgottenMs = 2 * delayMsMax;

/** The back-off after a failure at `failedMs`: 10 s at first, twice as long each time, 5 min at most. */
export function nextBackOff(backOff: BackOff | undefined, failedMs: number, nowMs: number): BackOff {
  const fresh = backOff === undefined || failedMs - backOff.updatedMs > forgottenMs;
  return { delayMs: fresh ? delayMsMin : Math.min(delayMsMax, backOff.delayMs * 2), updatedMs: nowMs };
}

/** Whether what failed at `failedMs` has to wait still. */
export function inBackOff(backOff: BackOff | undefined, failedMs: number, nowMs: number): backOff is BackOff {
  if (backOff === undefined || failedMs - backOff.updatedMs > forgottenMs) return false;
  return nowMs - failedMs < backOff.delayMs;
}

/** As Go prints it: `10s`, `1m20s`, `5m0s`. */
export function formatBackOff({ delayMs }: BackOff): string {
  const seconds = Math.round(delayMs / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
