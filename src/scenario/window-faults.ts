import { formatDuration } from './duration.ts';
import type { Fault } from './file/fault.ts';
import { formatPath } from './file/path.ts';
import type { Windows } from './scenario.ts';

/** Each step ends with a reading of the API server's metrics, 2 to 10 MB, which take it up to 0.3 s of CPU. */
const stepMsMin = 5_000;

/** Longer ones say nothing of minutes. */
const lengthMsMax = 3_600_000;

/** The samples of each step of a window are in memory. */
const stepsMax = 60;

/** What the lengths of windows do not allow. */
export function windowFaults({ lengthMs, stepMs }: Windows): Fault[] {
  const fault = (key: 'length' | 'step', what: string): Fault[] => {
    const path = ['windows', key];
    return [{ path, at: 'value', message: `${formatPath(path)} ${what}` }];
  };
  if (stepMs < stepMsMin) {
    const why = 'each step ends with a reading of the metrics of a loaded API server';
    return fault('step', `must be at least ${formatDuration(stepMsMin)}: ${why}`);
  }
  if (lengthMs > lengthMsMax) return fault('length', `must be at most ${formatDuration(lengthMsMax)}`);
  if (lengthMs < stepMs)
    return fault('length', `must not be shorter than windows.step (${formatDuration(stepMs)})`);
  if (lengthMs % stepMs !== 0) {
    return fault('length', `must be a multiple of windows.step (${formatDuration(stepMs)})`);
  }
  if (lengthMs / stepMs > stepsMax) {
    return fault('length', `must be at most ${stepsMax} times windows.step (${formatDuration(stepMs)})`);
  }
  return [];
}
