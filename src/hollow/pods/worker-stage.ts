import type { Stop } from './stopping.ts';
import type { Kill } from './sync-plan.ts';

/** What one sync of a pod still has to do, in this order. */
export type Step = { do: 'sandbox' } | { do: 'kill'; kill: Kill } | { do: 'start'; index: number };

/** What a pod's worker is at. */
export type Stage =
  | { at: 'idle' }
  | { at: 'volumes' }
  | { at: 'sandbox' }
  | { at: 'start' }
  | { at: 'kill'; stop: Stop; sinceWallMs: number }
  | { at: 'ending' };

/** What most pods have most of the time, once for all. */
export const idle: Stage = { at: 'idle' };
export const noSteps: readonly Step[] = [];
export const none: readonly number[] = [];
