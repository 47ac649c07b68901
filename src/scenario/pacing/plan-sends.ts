import type { Prng } from '../../base/prng.ts';
import type { SendPlan } from '../../load/sender.ts';
import type { Pacing } from '../scenario.ts';
import { burst } from './burst.ts';
import { constantRate } from './constant-rate.ts';
import { poisson } from './poisson.ts';

/** The intended send times of `count` requests; all of them are decided here, by the pacing and the seed alone. */
export function planSends(pacing: Pacing, count: number, prng: Prng): SendPlan {
  switch (pacing.strategy) {
    case 'constant-rate':
      return take(constantRate.offsetsUs(pacing, prng), count, {
        requestsPerSecond: constantRate.requestsPerSecond(pacing),
        intervalUs: constantRate.intervalUs(pacing),
      });
    case 'poisson':
      return take(poisson.offsetsUs(pacing, prng), count, {
        requestsPerSecond: poisson.requestsPerSecond(pacing),
        intervalUs: poisson.intervalUs(pacing),
      });
    case 'burst':
      return take(burst.offsetsUs(pacing, prng), count, {
        requestsPerSecond: burst.requestsPerSecond(pacing),
        intervalUs: burst.intervalUs(pacing),
      });
  }
}

function take(times: Generator<number, never>, count: number, rest: Omit<SendPlan, 'offsetsUs'>): SendPlan {
  const offsetsUs = new Float64Array(count);
  for (let i = 0; i < count; i++) offsetsUs[i] = times.next().value;
  return { offsetsUs, ...rest };
}
