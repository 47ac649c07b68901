import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { addStartTimes, startTimesAt, startTimesFrom } from '../../../src/metrics/pod-start-times.ts';

const us = fc.double({ min: 0, max: 1e12, noNaN: true, noDefaultInfinity: true });

const anyTimes = fc.record({
  seenUs: us,
  sandboxUs: us,
  pulledUs: us,
  containersUs: us,
  statusSentUs: us,
  acknowledgedUs: us,
  pullUs: us,
});

it('come out of the list as they went in', () => {
  fc.assert(
    fc.property(fc.array(anyTimes), (pods) => {
      const list: number[] = [];
      for (const times of pods) addStartTimes(list, times);
      const sent = new Float64Array(list);
      expect(pods.map((_, index) => startTimesAt(sent, index))).toEqual(pods);
    }),
  );
});

it('are unknown but for the first, of a pod that was just seen', () => {
  const { seenUs, ...others } = startTimesFrom(7);
  expect(seenUs).toBe(7);
  expect(Object.values(others)).toEqual([0, 0, 0, 0, 0, 0]);
});
