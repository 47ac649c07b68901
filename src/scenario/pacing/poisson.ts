import type { PacingStrategy } from './strategy.ts';

/** Independent arrivals: exponential gaps, drawn from the seed, also before the first request. */
export const poisson: PacingStrategy<'poisson'> = {
  *offsetsUs({ requestsPerSecond }, prng) {
    for (let offsetUs = 0; ; ) {
      // 1 − u lies in (0, 1]: no logarithm of zero.
      offsetUs += (-Math.log(1 - prng.float()) * 1e6) / requestsPerSecond;
      yield offsetUs;
    }
  },
  requestsPerSecond: ({ requestsPerSecond }) => requestsPerSecond,
  intervalUs: ({ requestsPerSecond }) => 1e6 / requestsPerSecond,
};
