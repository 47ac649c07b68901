import { describe, expect, it } from 'vitest';
import {
  clockTicks,
  formatBytes,
  formatCount,
  formatDurationUs,
  formatElapsedMs,
  formatNumber,
  formatTailOdds,
  formatValue,
} from '../../../src/report/charts/format.js';
import { legendLines, legendText } from '../../../src/report/charts/legend.js';

describe('format', () => {
  it.each([
    [0, '0 µs'],
    [1, '1 µs'],
    [850, '850 µs'],
    [999.6, '1 ms'],
    [1000, '1 ms'],
    [12_540, '12.5 ms'],
    [999_400, '999 ms'],
    [999_600, '1 s'],
    [1_240_000, '1.24 s'],
    [59_900_000, '59.9 s'],
    [59_960_000, '1 min'],
    [125_000_000, '2 min 5 s'],
    [3_600_000_000, '1 h'],
    [3_780_000_000, '1 h 3 min'],
    [-1500, '-1.5 ms'],
    [Number.NaN, '–'],
  ])('%d µs is %s', (us, text) => {
    expect(formatDurationUs(us)).toBe(text);
  });

  it('writes bytes in binary units', () => {
    expect([0, 512, 1000, 1024, 157_286_400, 24 * 2 ** 30].map((bytes) => formatBytes(bytes))).toEqual([
      '0 B',
      '512 B',
      '0.977 KiB',
      '1 KiB',
      '150 MiB',
      '24 GiB',
    ]);
  });

  it('writes numbers with three digits and thousands apart', () => {
    expect([0, 0.00123, 1.239, 12.39, 99.96, 123.9, 1_234_567].map((value) => formatNumber(value))).toEqual([
      '0',
      '0.00123',
      '1.24',
      '12.4',
      '100',
      '124',
      '1,234,567',
    ]);
    expect(formatCount(12_345)).toBe('12,345');
  });

  it('writes every unit of a result', () => {
    expect(formatValue(1500, 'us')).toBe('1.5 ms');
    expect(formatValue(1024, 'bytes')).toBe('1 KiB');
    expect(formatValue(0.98, 'ratio')).toBe('98 %');
    expect(formatValue(5, 'percent')).toBe('5 %');
    expect(formatValue(40, 'per-second')).toBe('40/s');
    expect(formatValue(40, 'count')).toBe('40');
  });

  it('writes times and percentiles', () => {
    expect([0, 7_000, 750_000, 3_723_000, -3000].map((ms) => formatElapsedMs(ms))).toEqual([
      '0:00',
      '0:07',
      '12:30',
      '1:02:03',
      '-0:03',
    ]);
    expect([1, 2, 4, 10, 50, 100, 1000, 100_000].map((x) => formatTailOdds(x))).toEqual([
      '0%',
      '50%',
      '75%',
      '90%',
      '98%',
      '99%',
      '99.9%',
      '99.999%',
    ]);
  });

  it('has ticks at round times only, whatever the ends', () => {
    expect(clockTicks(0, 59_000)).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
    expect(clockTicks(9_500, 12_600)).toEqual([10_000, 11_000, 12_000]);
    expect(clockTicks(-1500, 1500)).toEqual([-1000, 0, 1000]);
    expect(clockTicks(0, 36 * 3_600_000).map((ms) => ms / 3_600_000)).toEqual([0, 6, 12, 18, 24, 30, 36]);
    expect(clockTicks(100, 100)).toEqual([]);
  });
});

describe('legend', () => {
  it('has as many lines as its names take', () => {
    expect(legendLines([], 300, 13)).toBe(1);
    expect(legendLines([60, 60, 60], 300, 13)).toBe(2);
    expect(legendLines([60, 60, 60], 600, 13)).toBe(1);
    expect(legendLines([250, 250, 250], 300, 13)).toBe(3);
  });

  it('cuts names that no line has room for', () => {
    expect(legendText('pods started', 300)).toBe('pods started');
    const cut = legendText('n'.repeat(253), 300);
    expect(cut).toHaveLength(32);
    expect(cut.endsWith('…')).toBe(true);
  });
});
