import { expect, it } from 'vitest';
import { measureCost, renderCost } from '../../src/bench/cost/measure-cost.ts';

/** At this size the figures say nothing: only that every thread is profiled, and its time found in rooms. */
it('the cost of measuring is found in profiles of conductor and fleet', { timeout: 300_000 }, async () => {
  const cost = await measureCost({ nodes: 5, podsPerNode: 8, steadySeconds: 2, say: () => {} });
  expect(cost.podsStarted).toBe(150);
  expect(Object.keys(cost.conductor)).toEqual(
    expect.arrayContaining(['kube', 'measure', 'metrics', 'wire', 'native code']),
  );
  // The worker threads' too: hollow nodes live nowhere else.
  expect(Object.keys(cost.fleet)).toEqual(expect.arrayContaining(['hollow', 'kube', 'wire']));
  expect(cost.conductor).not.toHaveProperty('bench');
  expect(cost.share).toBeGreaterThan(0);
  expect(cost.shareWithin).toBeGreaterThanOrEqual(cost.share);
  expect(cost.shareWithin).toBeLessThan(1);
  expect(renderCost(cost)).toContain('measure and metrics: ');
});
