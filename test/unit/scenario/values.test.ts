import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatDuration, parseDurationMs } from '../../../src/scenario/duration.ts';
import { nearest } from '../../../src/base/nearest.ts';
import { parseQuantity } from '../../../src/base/quantity.ts';

describe('durations', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['0s', 0],
  ])('%s', (text, durationMs) => {
    expect(parseDurationMs(text)).toBe(durationMs);
  });

  test.each(['', '5', 's', '-5s', '5 s', '5d', '1e3s', '.5s', '5S'])('%j is none', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  test('are written as they are read, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 * 24 * 3600 }), (seconds) => {
        expect(parseDurationMs(formatDuration(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
    expect([1, 999, 1000, 1500, 59_960, 60_000, 312_000, 3_600_000].map(formatDuration)).toEqual([
      '1ms',
      '999ms',
      '1s',
      '1.5s',
      '60s',
      '1m',
      '5m12s',
      '1h',
    ]);
  });
});

describe('quantities', () => {
  test.each([
    ['4', 4_000_000_000n],
    ['500m', 500_000_000n],
    ['0.5', 500_000_000n],
    ['.5', 500_000_000n],
    ['5.', 5_000_000_000n],
    ['1k', 1_000_000_000_000n],
    ['1e3', 1_000_000_000_000n],
    ['1E3', 1_000_000_000_000n],
    ['1E', 10n ** 27n],
    ['12e-1', 1_200_000_000n],
    ['1Ki', 1_024_000_000_000n],
    ['1.5Gi', 1_610_612_736_000_000_000n],
    ['1n', 1n],
    ['0.1n', 1n],
    ['0', 0n],
  ])('%s', (text, nano) => {
    expect(parseQuantity(text)).toBe(nano);
  });

  test.each(['', '.', 'Gi', '-1', '+1', '1GB', '1 Gi', '0x10', '1e', '1e999', '9'.repeat(31)])(
    '%j is none',
    (text) => {
      expect(parseQuantity(text)).toBeUndefined();
    },
  );
});

describe('the nearest name', () => {
  const names = ['count', 'namePrefix', 'capacity', 'labels', 'taints', 'proxies'];

  test.each([
    ['cuont', 'count'],
    ['Count', 'count'],
    ['conut', 'count'],
    ['nameprefix', 'namePrefix'],
    ['label', 'labels'],
    ['proxy', undefined],
    ['size', undefined],
    ['', undefined],
    ['x'.repeat(10_000), undefined],
  ])('%j → %j', (name, expected) => {
    expect(nearest(name.slice(0, 1000), names)).toBe(expected);
  });
});
