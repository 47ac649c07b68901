import { describe, expect, test } from 'vitest';
import { parseScenario } from '../../../src/scenario/load-scenario.ts';
import { refusal } from './refusal.ts';

const scenario = (windows: string): string =>
  `name: small\nnodes: { count: 3 }\nphases: [{ type: steady, duration: 1s }]\nwindows: ${windows}\n`;

const parsed = (windows: string): unknown =>
  parseScenario(scenario(windows), 's.yaml', { sets: [] }).scenario.windows;

const errorOf = (windows: string): string =>
  refusal(() => parseScenario(scenario(windows), 's.yaml', { sets: [] })).message;

describe('windows', () => {
  test.each([
    ['{}', { lengthMs: 300_000, stepMs: 60_000 }],
    ['{ length: 10s, step: 5s }', { lengthMs: 10_000, stepMs: 5_000 }],
    ['{ length: 1h }', { lengthMs: 3_600_000, stepMs: 60_000 }],
    ['{ goodMinutesMin: 0.99 }', { lengthMs: 300_000, stepMs: 60_000, goodMinutesMin: 0.99 }],
  ])('%s', (windows, expected) => {
    expect(parsed(windows)).toEqual(expected);
  });

  test.each([
    ['{ step: 4s }', 'windows.step must be at least 5s'],
    ['{ length: 2h }', 'windows.length must be at most 1h'],
    ['{ length: 30s }', 'windows.length must not be shorter than windows.step (1m)'],
    ['{ length: 90s }', 'windows.length must be a multiple of windows.step (1m)'],
    ['{ length: 1h, step: 5s }', 'windows.length must be at most 60 times windows.step (5s)'],
    ['{ goodMinutesMin: 99 }', 'windows.goodMinutesMin'],
    ['{ every: 1m }', 'every'],
  ])('%s is refused', (windows, message) => {
    expect(errorOf(windows)).toContain(message);
  });
});
