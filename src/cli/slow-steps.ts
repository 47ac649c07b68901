import { HollowmarkError } from '../base/errors.ts';
import {
  type Step,
  conditionName,
  cpuPercentMax,
  cpuPercentMin,
  etcdDelayMsMax,
  etcdDelayMsMin,
} from '../fidelity/trend/step.ts';
import { parseDurationMs } from '../scenario/duration.ts';

/** More would take hours, and each a row of its own in every table. */
const stepsMax = 4;

const hint = 'such as cpu=50% (of one core) or etcd=20ms (each way)';

/**
 * The values of `--slow`.
 * @throws HollowmarkError `bad-input` for what is no step, and for one that is there twice.
 */
export function parseSteps(values: readonly string[]): Step[] {
  const steps = values.map(parseStep);
  if (steps.length > stepsMax) throw new HollowmarkError('bad-input', `--slow: at most ${stepsMax} steps`);
  const names = steps.map(conditionName);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new HollowmarkError('bad-input', `--slow: ${twice} is there twice`);
  return steps;
}

function parseStep(text: string): Step {
  const [, type, amount = ''] = /^(cpu|etcd)=(.*)$/s.exec(text) ?? [];
  if (type === 'cpu') return { type, percent: cpuPercent(text, amount) };
  if (type === 'etcd') return { type, delayMs: etcdDelayMs(text, amount) };
  throw new HollowmarkError('bad-input', `--slow: "${text}" is no step`, { hint });
}

function cpuPercent(text: string, amount: string): number {
  const percent = /^\d+(?:\.\d+)?%$/.test(amount) ? Number(amount.slice(0, -1)) : undefined;
  if (percent === undefined) {
    throw new HollowmarkError('bad-input', `--slow: "${text}" has no percentage`, { hint });
  }
  if (percent < cpuPercentMin || percent > cpuPercentMax) {
    throw new HollowmarkError(
      'bad-input',
      `--slow: cpu must be between ${cpuPercentMin}% and ${cpuPercentMax}%`,
    );
  }
  return percent;
}

function etcdDelayMs(text: string, amount: string): number {
  const delayMs = parseDurationMs(amount);
  if (delayMs === undefined) {
    throw new HollowmarkError('bad-input', `--slow: "${text}" has no duration`, { hint });
  }
  if (delayMs < etcdDelayMsMin || delayMs > etcdDelayMsMax) {
    throw new HollowmarkError(
      'bad-input',
      `--slow: etcd must be between ${etcdDelayMsMin}ms and ${etcdDelayMsMax}ms`,
    );
  }
  return delayMs;
}
