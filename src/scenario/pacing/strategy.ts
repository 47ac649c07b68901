import type { Prng } from '../../base/prng.ts';
import type { Pacing, PacingStrategyName } from '../scenario.ts';

/** The settings of the strategy that users call `Name`. */
export type PacingOf<Name extends PacingStrategyName> = Extract<Pacing, { strategy: Name }>;

/** One way to space requests: a plan that is made before anything is sent, so that no answer can delay it. */
export type PacingStrategy<Name extends PacingStrategyName> = {
  /** Intended send times in µs after the start: never falling, without an end. */
  offsetsUs(pacing: PacingOf<Name>, prng: Prng): Generator<number, never>;
  /** Mean requests a second; undefined when all are sent at once. */
  requestsPerSecond(pacing: PacingOf<Name>): number | undefined;
  /** How long after the last intended time all requests should have left: one interval. */
  intervalUs(pacing: PacingOf<Name>): number;
};
