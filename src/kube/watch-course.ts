import type { ApiStatus } from './api-error.ts';

/** client-go's reflector back-off: 800 ms doubling to 30 s, each with up to as much again in jitter. */
const backoffMsMin = 800;
const backoffMsMax = 30_000;

/** The back-off starts anew this often, at its next delay. */
const backoffResetMs = 120_000;

/** A watch that ends sooner than this without a single event is treated as failed, as client-go does. */
const shortWatchMs = 1_000;

/** Objects on one page of a list that is not served from memory alone (client-go's pager). */
const pageObjects = 500;

export type WatchSpec = {
  /** `/api/v1/pods`, without a query. */
  path: string;
  /** Selectors, encoded, in the order a real client sends them: `fieldSelector=spec.nodeName%3Dnode-1`. */
  selector: string;
  /** The watch's own end is random in [min, 2·min): 5 min for informers, 30 min for a kubelet's ConfigMaps. */
  timeoutSecondsMin: number;
  /** client-go's newer informers send `timeout=6m52s` beside timeoutSeconds; the kubelet's pod source does not. */
  sendsTimeout: boolean;
  /** First back-off after a failure; client-go's own when absent. An observer must be back sooner than a node. */
  backoffMsMin?: number;
};

/** Where a watch stands between attempts. */
export type WatchProgress = {
  /** What the next attempt is: a list as a stream that goes on as a watch (KEP-3157), a plain list, or a watch. */
  next: 'stream' | 'list' | 'watch';
  /** The last one seen; empty before the first. */
  resourceVersion: string;
  /** The server has that version no more, or not yet: what is listed next is the newest there is. */
  versionUnavailable: boolean;
  backoffMs: number;
  /** When the back-off started anew; machine-wide monotonic. */
  backoffSinceUs: number;
};

/** How an attempt ended, as far as the next one depends on it. */
export type AttemptEnd =
  /** By the server in good order, or with its connection, after `livedMs` and `eventCount` events. */
  | { type: 'closed'; livedMs: number; eventCount: number }
  /** The server does not have the resourceVersion that was asked for. */
  | { type: 'expired' }
  /** The server asks for patience (429), or nobody listens. */
  | { type: 'throttled' }
  /** A plain list is complete. */
  | { type: 'listed' }
  | { type: 'failed' };

export function firstProgress(spec: WatchSpec, nowUs: number): WatchProgress {
  return {
    next: 'stream',
    resourceVersion: '',
    versionUnavailable: false,
    backoffMs: spec.backoffMsMin ?? backoffMsMin,
    backoffSinceUs: nowUs,
  };
}

/** Everything is listed up to `resourceVersion`. */
export function synced(progress: WatchProgress, resourceVersion: string): WatchProgress {
  return { ...progress, next: 'watch', resourceVersion, versionUnavailable: false };
}

/**
 * What to do after an attempt ended: pure. `jitter` in [0, 1). A watch that ends is resumed; one that fails lists anew,
 * as a stream, after the back-off; a stream that cannot be had gives way to a plain list.
 * Source: client-go tools/cache/reflector.go, v0.36 (ListAndWatch, watchList, list, watch, isWatchErrorRetriable).
 */
export function afterAttempt(
  progress: WatchProgress,
  end: AttemptEnd,
  { jitter, nowUs, spec }: { jitter: number; nowUs: number; spec: WatchSpec },
): { progress: WatchProgress; delayMs: number } {
  const { next, versionUnavailable } = progress;
  const atOnce = (change: Partial<WatchProgress>): { progress: WatchProgress; delayMs: number } => ({
    progress: { ...progress, ...change },
    delayMs: 0,
  });
  const later = (then: WatchProgress['next']): { progress: WatchProgress; delayMs: number } => {
    const startsAnew = nowUs - progress.backoffSinceUs > backoffResetMs * 1000;
    const backoffMs = startsAnew ? (spec.backoffMsMin ?? backoffMsMin) : progress.backoffMs;
    return {
      progress: {
        ...progress,
        next: then,
        backoffMs: Math.min(backoffMsMax, backoffMs * 2),
        backoffSinceUs: startsAnew ? nowUs : progress.backoffSinceUs,
      },
      delayMs: backoffMs * (1 + jitter),
    };
  };
  if (end.type === 'listed') return atOnce({});
  if (end.type === 'closed' && (end.livedMs >= shortWatchMs || end.eventCount > 0)) return atOnce({});
  if (next === 'watch') return later(end.type === 'throttled' ? 'watch' : 'stream');
  if (end.type === 'expired' && !versionUnavailable) return atOnce({ versionUnavailable: true });
  if (next === 'list') return later('stream');
  return end.type === 'throttled' ? later('stream') : atOnce({ next: 'list' });
}

/** What a refusal means for a watch or a list. */
export function refusalOf({ code, reason, causes }: ApiStatus): AttemptEnd {
  if (code === 410 || reason === 'Expired' || causes.includes('ResourceVersionTooLarge')) {
    return { type: 'expired' };
  }
  return { type: code === 429 ? 'throttled' : 'failed' };
}

/** The query of a stream or a watch, as the kubelet of 1.36 sends it. */
export function watchQuery(spec: WatchSpec, progress: WatchProgress, timeoutSeconds: number): string {
  const { next, resourceVersion } = progress;
  const parts = ['allowWatchBookmarks=true'];
  if (spec.selector !== '') parts.push(spec.selector);
  if (resourceVersion !== '' && !progress.versionUnavailable)
    parts.push(`resourceVersion=${resourceVersion}`);
  if (next === 'stream') parts.push('resourceVersionMatch=NotOlderThan', 'sendInitialEvents=true');
  if (spec.sendsTimeout) {
    const minutes = Math.floor(timeoutSeconds / 60);
    parts.push(`timeout=${minutes}m${timeoutSeconds % 60}s`);
  }
  parts.push(`timeoutSeconds=${timeoutSeconds}`, 'watch=true');
  return `${spec.path}?${parts.join('&')}`;
}

/** The query of a plain list from its beginning, or of the page that `more` leads to. */
export function listQuery(spec: WatchSpec, progress: WatchProgress, more = ''): string {
  const parts = more === '' ? [] : [`continue=${encodeURIComponent(more)}`];
  if (spec.selector !== '') parts.push(spec.selector);
  // From memory the API server gives all there is at a version, or, of the first list, whatever it has (0).
  const version = progress.versionUnavailable ? '' : progress.resourceVersion || '0';
  if (more !== '' || version === '' || version === '0') parts.push(`limit=${pageObjects}`);
  if (more === '' && version !== '') parts.push(`resourceVersion=${version}`);
  return parts.length === 0 ? spec.path : `${spec.path}?${parts.join('&')}`;
}
