import type { PacingStrategy } from './strategy.ts';

/** Evenly spaced requests, the first at once. */
export const constantRate: PacingStrategy<'constant-rate'> = {
  *offsetsUs({ requestsPerSecond }) {
    // Multiplied, not added up: no drift over a long run.
    for (let i = 0; ; i++) yield (i * 1e6) / requestsPerSecond;
  },
  requestsPerSecond: ({ requestsPerSecond }) => requestsPerSecond,
  intervalUs: ({ requestsPerSecond }) => 1e6 / requestsPerSecond,
};
