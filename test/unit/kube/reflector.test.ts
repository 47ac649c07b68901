import { describe, expect, it } from 'vitest';
import { afterWatchEnd, watchQuery } from '../../../src/kube/reflector.ts';

const at = { resourceVersion: '100', backoffMs: 800 };

describe('a watch after it ended', () => {
  it('resumes at once from the last resourceVersion after the server closed it in good order', () => {
    expect(afterWatchEnd(at, { type: 'closed', livedMs: 300_000, eventCount: 0 }, 0.5)).toEqual({
      progress: at,
      delayMs: 0,
    });
  });

  it('lists anew at once after 410', () => {
    expect(afterWatchEnd(at, { type: 'expired' }, 0.5)).toEqual({
      progress: { resourceVersion: '', backoffMs: 800 },
      delayMs: 0,
    });
  });

  it('backs off from 800 ms to 30 s with jitter, and starts anew after two good minutes', () => {
    let progress = at;
    const delaysMs: number[] = [];
    for (let i = 0; i < 8; i++) {
      const next = afterWatchEnd(progress, { type: 'failed', livedMs: 0 }, 0);
      progress = next.progress;
      delaysMs.push(next.delayMs);
    }
    expect(delaysMs).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect(afterWatchEnd(progress, { type: 'failed', livedMs: 0 }, 0.9).delayMs).toBeCloseTo(57_000);
    expect(afterWatchEnd(progress, { type: 'failed', livedMs: 120_000 }, 0).delayMs).toBe(800);
    expect(progress.resourceVersion).toBe('100');
  });

  it('treats a watch that closes at once without an event as failed', () => {
    expect(afterWatchEnd(at, { type: 'closed', livedMs: 10, eventCount: 0 }, 0).delayMs).toBe(800);
    expect(afterWatchEnd(at, { type: 'closed', livedMs: 10, eventCount: 1 }, 0).delayMs).toBe(0);
  });
});

describe('the query of a watch', () => {
  const spec = {
    path: '/api/v1/services',
    selector: 'fieldSelector=spec.clusterIP%21%3DNone',
    timeoutSecondsMin: 300,
    sendsTimeout: true,
  };

  it('is a real kubelet’s streaming list at first (wire-samples-kubelet.jsonl)', () => {
    expect(watchQuery(spec, '', 412)).toBe(
      '/api/v1/services?allowWatchBookmarks=true&fieldSelector=spec.clusterIP%21%3DNone&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeout=6m52s&timeoutSeconds=412&watch=true',
    );
  });

  it('resumes from a resourceVersion', () => {
    expect(watchQuery({ ...spec, selector: '', sendsTimeout: false }, '77', 300)).toBe(
      '/api/v1/services?allowWatchBookmarks=true&resourceVersion=77&timeoutSeconds=300&watch=true',
    );
  });
});
