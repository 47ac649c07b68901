import type { ChildProcess } from 'node:child_process';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';

/**
 * The exit code of a process of ours, which is asked to end when it takes longer than `timeoutMs` and when this process
 * ends before it.
 * @throws HollowmarkError `internal` when it took longer, as soon as it has ended.
 */
export async function codeOf(child: ChildProcess, timeoutMs: number): Promise<number | null> {
  const end = (): boolean => child.kill('SIGTERM');
  process.once('exit', end);
  let isLate = false;
  const limit = systemClock.timer(timeoutMs, () => {
    isLate = true;
    end();
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (isLate) {
      throw new HollowmarkError('internal', `the run that was profiled took more than ${timeoutMs / 1000} s`);
    }
    return code;
  } finally {
    limit.cancel();
    process.off('exit', end);
  }
}
