import type { PacingStrategy } from './strategy.ts';

/** A burst without groups has no interval of its own; sending a thousand requests takes the sender some 0.2 s. */
const singleBurstUs = 1_000_000;

/** Groups of `size` requests at once, one group every `everyMs`; all at once without a size. */
export const burst: PacingStrategy<'burst'> = {
  *offsetsUs({ size, everyMs }) {
    for (let i = 0; ; i++) yield size === undefined ? 0 : Math.floor(i / size) * everyMs * 1000;
  },
  requestsPerSecond: ({ size, everyMs }) => (size === undefined ? undefined : (size * 1000) / everyMs),
  intervalUs: ({ size, everyMs }) => (size === undefined ? singleBurstUs : everyMs * 1000),
};
