import type { ApiServerEndpoint, ShownIdentity } from '../../kube/identity.ts';
import type { Told } from '../instrument.ts';
import type { Threshold, WindowSettings } from '../slo.ts';

/** What the worker begins with. Plain data, as everything here. */
export type ScraperConfig = {
  targets: readonly ScraperTarget[];
  thresholds: readonly Threshold[];
  windows: WindowSettings;
};

/** A component that is read; `shown` as of now. */
export type ScraperTarget = { component: string; endpoint: ApiServerEndpoint; shown: ShownIdentity };

/** Conductor → worker. `read` and `tell` are answered one by one. */
export type ScraperCommand =
  /** The first time with step 0; `shown` in the order of the targets, since credentials may have been renewed. */
  | { type: 'read'; step: number; shown: readonly ShownIdentity[] }
  | { type: 'tell' }
  /** What is being read is not waited for any longer, and nothing else is read. */
  | { type: 'give-up' };

/** What the components' metrics say of a run. */
export type ToldByComponents = Pick<Told, 'slis' | 'figures' | 'notes'> & {
  /** Whether the API server told its latencies from the first reading to the last: then they alone are what is judged. */
  serverIsKnown: boolean;
};

/** Worker → conductor. */
export type ScraperMessage =
  /** Windows of the step, as lines of their log; and the targets (by index) that did not know the identity. */
  { type: 'read'; lines: string; refused: readonly number[] } | { type: 'told'; told: ToldByComponents };
