/**
 * A known step by which an API server is slowed down: `percent` of one core for it, or a delay of what it and etcd say to
 * each other, each way.
 */
export type Step = { type: 'cpu'; percent: number } | { type: 'etcd'; delayMs: number };

/** What the work is measured under: nothing, then each step. */
export type Condition = Step | 'none';

export const cpuPercentMin = 5;
export const cpuPercentMax = 95;
export const etcdDelayMsMin = 1;
export const etcdDelayMsMax = 1000;

/** As `--slow` has it: `cpu=50%`, `etcd=20ms`. */
export function conditionName(condition: Condition): string {
  if (condition === 'none') return 'none';
  return condition.type === 'cpu' ? `cpu=${condition.percent}%` : `etcd=${condition.delayMs}ms`;
}
